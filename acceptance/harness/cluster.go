package harness

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// Cluster is three servers that keep one state by Raft, each with the plugin.
type Cluster []*Server

// StartCluster starts one and waits until all of its servers have a vote. Its standbys
// forward every request to the leader.
func StartCluster(t testing.TB) Cluster {
	t.Helper()
	return startCluster(t, [3]place{})
}

// StartReadingCluster does so with standbys that answer reads themselves, where the server
// has StandbyReads.
func StartReadingCluster(t testing.TB) Cluster {
	t.Helper()
	reading := place{standbyReads: true}
	return startCluster(t, [3]place{reading, reading, reading})
}

// StartRelayedCluster does so with a relay before each of its servers, through which its peers
// reach it.
func StartRelayedCluster(t testing.TB) (Cluster, [3]*Relay) {
	t.Helper()
	var (
		places [3]place
		relays [3]*Relay
	)
	for i := range places {
		places[i].cluster = FreeAddress(t)
		relays[i] = startRelay(t, places[i].cluster)
		places[i].advertised = relays[i].listener.Addr().String()
	}
	return startCluster(t, places), relays
}

func startCluster(t testing.TB, places [3]place) Cluster {
	t.Helper()
	first := newRaft(t, "one", Plugins(), places[0])
	first.Initialize(t)
	first.Register(t)
	// A server that joins has no vote until it was healthy for so long.
	_, err := first.Client(t).Logical().WriteWithContext(t.Context(), "sys/storage/raft/autopilot/configuration",
		map[string]any{"server_stabilization_time": "1s"})
	require.NoError(t, err)
	c := Cluster{first, joinRaft(t, "two", first, places[1]), joinRaft(t, "three", first, places[2])}
	c.AwaitHealthy(t)
	return c
}

// joinRaft starts a server and joins it to the cluster of another.
func joinRaft(t testing.TB, name string, member *Server, at place) *Server {
	t.Helper()
	s := newRaft(t, name, Plugins(), at)
	s.Start(t)
	s.UnsealKey, s.Token = member.UnsealKey, member.Token
	s.Wait(t, "join", func(ctx context.Context) bool {
		answer, err := s.Client(t).Sys().RaftJoinWithContext(ctx, &api.RaftJoinRequest{LeaderAPIAddr: member.peerAddress()})
		return err == nil && answer.Joined
	})
	s.Unlock(t)
	return s
}

// peerAddress is where another server finds its API.
func (s *Server) peerAddress() string {
	if s.place.within != nil {
		return "http://" + s.place.cluster[:strings.LastIndex(s.place.cluster, ":")] + apiPort
	}
	return s.Addr
}

// apiPort is that of servers in a namespace.
const apiPort = ":8200"

// Leader waits for the server that is the leader and not without.
func (c Cluster) Leader(t testing.TB, without *Server) *Server {
	t.Helper()
	var found *Server
	for _, s := range c {
		if s == without {
			continue
		}
		s.Wait(t, "know a leader", func(ctx context.Context) bool {
			status, err := s.Client(t).Sys().LeaderWithContext(ctx)
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
func (c Cluster) at(address string) *Server {
	for _, s := range c {
		if s.Addr == address {
			return s
		}
	}
	return nil
}

// AwaitHealthy waits until Raft's own watch finds all servers healthy, and each has a vote.
func (c Cluster) AwaitHealthy(t testing.TB) {
	t.Helper()
	leader := c.Leader(t, nil)
	leader.Wait(t, "become a healthy cluster", func(ctx context.Context) bool {
		state, err := c.Leader(t, nil).Client(t).Sys().RaftAutopilotStateWithContext(ctx)
		return err == nil && state != nil && state.Healthy && len(state.Voters) == len(c)
	})
}
