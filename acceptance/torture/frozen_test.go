package torture_test

import (
	"os"
	"testing"
	"time"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	envFrozen = "SEI_TORTURE_FROZEN"
	fewFrozen = 1
)

// A leader is stopped where it is, with its plugin, until another one leads, and goes on: it
// does not know what it missed. What it was asked before, and what it is asked from then on,
// is judged like any answer: nothing that was acknowledged meanwhile is missing from it.
func TestTortureFrozen(t *testing.T) {
	layer.Check(t, "leaders frozen until another one leads")
	needsProc(t)
	c := harness.StartCluster(t)
	var r *torture
	plan := repeated(number(t, envFrozen, fewFrozen), disturbance{"leader frozen", func() {
		leader := c.Leader(t, nil)
		leader.Freeze(t)
		c.Leader(t, leader).AwaitActive(t)
		time.Sleep(time.Duration(r.random.IntN(2000)) * time.Millisecond)
		leader.Thaw(t)
		c.AwaitHealthy(t)
	}})
	r = underLoad(t, c...)
	r.runAll(t, plan)
}

// needsProc skips a test that finds processes in /proc where there is none.
func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skipf("processes are found in /proc: %v", err)
	}
}
