package mounted_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// What a worker reports before the first sweep after a start counts.
func TestAReportBeforeTheFirstSweepCounts(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 2, time.Hour)
	asked := &checks{outcome: func(string) error { return failure(providers.Rejected) }}
	w.upstream.answers(asked.answer)
	w = w.restarted()
	w.Sweeper.Soon("integration-00000")
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	assert.Equal(t, map[string]int{"integration-00000@example.com": 1}, asked.counts)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "integration-00000"), "and is confirmed as usual")
	asked.reset()
	w = w.restarted()
	w.Sweeper.Soon("integration-00000")
	step(t, w.Sweeper.Sweep())
	assert.Empty(t, asked.counts, "one that is known to be refused is not asked about again")
}

// An integration that is not checked by itself is not checked after a report either.
func TestAReportBeforeTheFirstSweepChecksNothingThatIsSwitchedOff(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 1, 0)
	asked := &checks{}
	w.upstream.answers(asked.answer)
	w = w.restarted()
	w.Sweeper.Soon("integration-00000")
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Empty(t, asked.counts)
}

// An integration is written, and a worker reports one of its tokens, while the names of
// all integrations are read: neither report is lost.
func TestAReportDuringAListCounts(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	fleet(t, w, 2, time.Hour)
	w = w.restarted()
	sweep := w.Sweeper.Sweep()
	begun := false
	store.reset(func(_ int, call string) fault {
		if call == "Get integrations/integration-00000" && !begun {
			begun = true
			poolOf(t, w, "one", "two")
			_, one, _ := w.handed(t, backend.DefaultResource)
			w.report(t, backend.Report{Fingerprint: one, StatusCode: 401, Resource: backend.DefaultResource})
			w.Sweeper.Soon("a")
		}
		return works
	})
	w.upstream.answers((&checks{}).answer)
	require.NoError(t, sweep.Step(t.Context()))
	sweep.Wait()
	require.True(t, begun)
	token, _, _ := w.handed(t, backend.DefaultResource)
	assert.Equal(t, "token-2", token, "the report is kept")
	asked := 0
	inner := (&checks{outcome: func(account string) error {
		if account == "" { // that of a pool
			asked++
		}
		return nil
	}}).answer
	w.upstream.answers(inner)
	w.Sweeper.Configured()
	step(t, sweep)
	assert.Positive(t, asked, "and the pool is checked")
}
