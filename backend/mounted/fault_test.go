package mounted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	deeds "vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// toldFaults are the faults that were told, as lines of a log.
type toldFaults struct {
	mu    sync.Mutex
	lines []string
}

// listen makes the world tell its faults here.
func listen(w *world) *toldFaults {
	heard := &toldFaults{}
	w.FaultsTo(func(f deeds.Fault, ended bool) {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		heard.lines = append(heard.lines, fmt.Sprintf("%t %s", ended, f.Sentence()))
	})
	return heard
}

func (h *toldFaults) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.lines...)
}

// refusesWrites is a storage that takes none, as one whose mount could not be set up when
// Vault was unsealed.
func refusesWrites(_ int, call string) fault {
	if strings.HasPrefix(call, "Put ") || strings.HasPrefix(call, "Delete ") {
		return fails
	}
	return works
}

// While storage takes no writes a dead credential is seen, and asked about more seldom,
// all the same; it is told once. When writes work again, what was found is stored.
func TestASweepWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	heard := listen(w)
	fleet(t, w, 2, time.Hour)
	asked := &checks{outcome: func(account string) error {
		if strings.HasPrefix(account, "integration-00000") {
			return failure(providers.Rejected)
		}
		return nil
	}}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	store.reset(refusesWrites)
	const hours = 24
	for range hours * 60 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	assessed, err := w.Watch.Health(t.Context(), "integration-00000")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Status)
	assert.Equal(t, "credential_rejected", assessed.Health.Code)
	assert.LessOrEqual(t, asked.counts["integration-00000@example.com"], hours/4+2, "at the slower pace")
	assert.GreaterOrEqual(t, asked.counts["integration-00001@example.com"], hours-2)
	faults := w.Faults("integration-00001")
	require.Len(t, faults, 1, "it is about all")
	assert.Contains(t, faults[0].Sentence(), "no space left on device")
	require.Len(t, heard.all(), 1, "it is told once")
	assert.Contains(t, heard.all()[0], "false storing what checks find fails since")
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "integration-00000"), "it could not be stored")

	store.reset(nil)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Empty(t, w.Faults(""))
	require.Len(t, heard.all(), 2, "that it is over is told once")
	assert.Contains(t, heard.all()[1], "true storing what checks find")
	assert.Equal(t, backend.StatusNeedsReauth, w.restarted().status(t, "integration-00000"), "it is stored now")
}

// What is only in memory says nothing of a credential that came later, and goes with its
// integration.
func TestWhatIsOnlyInMemoryIsOfOneVersion(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	keyWorld(t, w)
	w.upstream.refuses(failure(providers.InsufficientScope))
	store.reset(refusesWrites)
	w.check(t)
	require.Equal(t, backend.StatusDegraded, w.status(t, "a"))
	store.reset(nil)
	w.upstream.answers(nil)
	w.reauth(t, entry("mia@example.com", "new"))
	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"))
	assert.Empty(t, w.Faults(""))

	w.upstream.refuses(failure(providers.InsufficientScope))
	store.reset(refusesWrites)
	w.check(t)
	store.reset(nil)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	w.clock.advance(2 * time.Minute)
	step(t, sweep)
	w.upstream.answers(nil)
	keyWorld(t, w)
	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
	left, err := store.List(t.Context(), "health/")
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Empty(t, w.Faults(""))
}

// A check that panics is told, with its type alone, and ends neither the sweep nor the
// checks of others.
func TestACheckOfTheSweepThatPanics(t *testing.T) {
	w := newWorld(&storage{})
	heard := listen(w)
	fleet(t, w, 3, time.Hour)
	asked, broken := &checks{}, true
	w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
		v, err := asked.answer(ctx, target, cred)
		if broken && strings.HasPrefix(v.Identity, "integration-00001") {
			panic(errors.New("canary-secret " + cred.Value("key").Reveal()))
		}
		return v, err
	})
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	for range 5 {
		w.clock.advance(time.Hour)
		step(t, sweep)
	}
	for account, n := range asked.counts {
		assert.GreaterOrEqual(t, n, 4, account)
	}
	require.Len(t, heard.all(), 1)
	assert.Contains(t, heard.all()[0], "checking the credential of integration-00001 fails since")
	assert.Contains(t, heard.all()[0], "*errors.errorString")
	faults := w.Faults("integration-00001")
	require.Len(t, faults, 1)
	for _, shown := range []string{fmt.Sprintf("%+v", faults), strings.Join(heard.all(), "\n")} {
		assert.NotContains(t, shown, "canary-secret")
		assert.NotContains(t, shown, "key-of-")
	}
	assert.Contains(t, faults[0].Stack, "fault_test.go")
	assert.Empty(t, w.Faults("integration-00002"))
	broken = false
	for range 2 {
		w.clock.advance(time.Hour)
		step(t, sweep)
	}
	require.Len(t, heard.all(), 2)
	assert.Empty(t, w.Faults(""))
}

// Faults of many are told a few at a time.
func TestFaultsAreToldAFewAtATime(t *testing.T) {
	w := newWorld(&storage{})
	heard := listen(w)
	fleet(t, w, 50, time.Hour)
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) { panic("x") })
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	w.clock.advance(2 * time.Hour)
	step(t, sweep)
	assert.Len(t, heard.all(), 10)
	assert.Len(t, w.Faults(""), 50)
}

// What cannot be read, and what is damaged, is told.
func TestASweepTellsWhatItCannotRead(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	fleet(t, w, 3, time.Hour)
	require.NoError(t, store.Put(t.Context(), entryOf("credentials/integration-00001", "canary-secret")))
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "List ") {
			return fails
		}
		return works
	})
	w = w.restarted()
	heard := listen(w)
	sweep := w.Sweeper.Sweep()
	for range 3 {
		require.Error(t, sweep.Step(t.Context()))
		sweep.Wait()
	}
	require.NotEmpty(t, heard.all())
	assert.Contains(t, strings.Join(heard.all(), "\n"), "reading the integrations fails")
	store.reset(nil)
	step(t, sweep)
	faults := w.Faults("")
	require.Len(t, faults, 1)
	assert.Equal(t, "integration-00001", faults[0].Integration)
	assert.Contains(t, faults[0].Reason, "cannot be decoded")
	assert.NotContains(t, strings.Join(heard.all(), "\n"), "canary-secret")
}
