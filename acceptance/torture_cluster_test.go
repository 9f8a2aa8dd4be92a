package acceptance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

// A cluster of three loses its leader: it is killed, sealed, or steps down; or the leader's
// plugin is killed. Clients ask any server that lives. No acknowledged version is lost
// with a leader, and every server serves the newest one.
func TestTortureCluster(t *testing.T) {
	layer.Check(t, "leaders lost under load")
	c := startCluster(t)
	losses := number(t, envLeaders, fewLeaders)
	// Of three losses one is a step-down, and now and then one is a seal. The plugin's
	// kills come on top: they cost no leader.
	sealed, killed := losses/6, losses/2
	plan := repeated(killed, disturbance{"leader killed", func() {
		leader := c.leader(t, nil)
		leader.kill()
		c.leader(t, leader)
		leader.start(t)
		leader.unlock(t)
		c.awaitHealthy(t)
	}})
	plan = append(plan, repeated(sealed, disturbance{"leader sealed", func() {
		leader := c.leader(t, nil)
		require.NoError(t, leader.client(t).Sys().SealWithContext(t.Context()))
		c.leader(t, leader)
		leader.unlock(t)
		c.awaitHealthy(t)
	}})...)
	plan = append(plan, repeated(losses-killed-sealed, disturbance{"leader stepped down", func() {
		leader := c.leader(t, nil)
		require.NoError(t, leader.client(t).Sys().StepDownWithContext(t.Context()))
		c.leader(t, leader)
		c.awaitHealthy(t)
	}})...)
	plan = append(plan, repeated(losses/3, disturbance{"leader's plugin killed", func() {
		require.NotZero(t, c.leader(t, nil).killPlugin(t))
	}})...)
	underLoad(t, c...).runAll(t, plan)
}
