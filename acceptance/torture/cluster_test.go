package torture_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// A cluster of three loses its leader: it is killed, sealed, or steps down; or the leader's
// plugin is killed. Clients ask any server that lives. No acknowledged version is lost
// with a leader, and every server serves the newest one.
func TestTortureCluster(t *testing.T) {
	layer.Check(t, "leaders lost under load")
	c := harness.StartCluster(t)
	losses := number(t, envLeaders, fewLeaders)
	// Of three losses one is a step-down, and now and then one is a seal. The plugin's
	// kills come on top: they cost no leader.
	sealed, killed := losses/6, losses/2
	plan := repeated(killed, disturbance{"leader killed", func() {
		leader := c.Leader(t, nil)
		leader.Kill()
		c.Leader(t, leader)
		leader.Start(t)
		leader.Unlock(t)
		c.AwaitHealthy(t)
	}})
	plan = append(plan, repeated(sealed, disturbance{"leader sealed", func() {
		leader := c.Leader(t, nil)
		require.NoError(t, leader.Client(t).Sys().SealWithContext(t.Context()))
		c.Leader(t, leader)
		leader.Unlock(t)
		c.AwaitHealthy(t)
	}})...)
	plan = append(plan, repeated(losses-killed-sealed, disturbance{"leader stepped down", func() {
		leader := c.Leader(t, nil)
		require.NoError(t, leader.Client(t).Sys().StepDownWithContext(t.Context()))
		c.Leader(t, leader)
		c.AwaitHealthy(t)
	}})...)
	plan = append(plan, repeated(losses/3, disturbance{"leader's plugin killed", func() {
		require.NotZero(t, c.Leader(t, nil).KillPlugin(t))
	}})...)
	underLoad(t, c...).runAll(t, plan)
}
