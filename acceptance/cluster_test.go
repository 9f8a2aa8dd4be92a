package acceptance_test

import (
	"context"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// cluster is three servers that keep one state by Raft, each with the plugin.
type cluster []*server

// startCluster starts one and waits until all of its servers have a vote.
func startCluster(t testing.TB) cluster {
	t.Helper()
	first := startRaft(t)
	// A server that joins has no vote until it was healthy for so long.
	_, err := first.client(t).Logical().WriteWithContext(t.Context(), "sys/storage/raft/autopilot/configuration",
		map[string]any{"server_stabilization_time": "1s"})
	require.NoError(t, err)
	c := cluster{first, joinRaft(t, "two", first), joinRaft(t, "three", first)}
	c.awaitHealthy(t)
	return c
}

// joinRaft starts a server and joins it to the cluster of another.
func joinRaft(t testing.TB, name string, member *server) *server {
	t.Helper()
	s := newRaft(t, name, pluginFolder())
	s.start(t)
	s.unsealKey, s.token = member.unsealKey, member.token
	s.wait(t, "join", func(ctx context.Context) bool {
		answer, err := s.client(t).Sys().RaftJoinWithContext(ctx, &api.RaftJoinRequest{LeaderAPIAddr: member.addr})
		return err == nil && answer.Joined
	})
	s.unlock(t)
	return s
}

// leader waits for the server that is the leader and not without.
func (c cluster) leader(t testing.TB, without *server) *server {
	t.Helper()
	var found *server
	for _, s := range c {
		if s == without {
			continue
		}
		s.wait(t, "know a leader", func(ctx context.Context) bool {
			status, err := s.client(t).Sys().LeaderWithContext(ctx)
			if err != nil {
				return false
			}
			found = c.at(status.LeaderAddress)
			return found != nil && found != without
		})
	}
	return found
}

// at returns the server at an address.
func (c cluster) at(address string) *server {
	for _, s := range c {
		if s.addr == address {
			return s
		}
	}
	return nil
}

// awaitHealthy waits until Raft's own watch finds all servers healthy, and each has a vote.
func (c cluster) awaitHealthy(t testing.TB) {
	t.Helper()
	leader := c.leader(t, nil)
	leader.wait(t, "become a healthy cluster", func(ctx context.Context) bool {
		state, err := c.leader(t, nil).client(t).Sys().RaftAutopilotStateWithContext(ctx)
		return err == nil && state != nil && state.Healthy && len(state.Voters) == len(c)
	})
}
