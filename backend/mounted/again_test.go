package mounted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/providers"
)

// findingOf is what is stored of the health of "a".
func (w *world) findingOf(t *testing.T) string {
	t.Helper()
	store, _ := w.storage.(*storage)
	stored, err := store.InmemStorage.Get(t.Context(), "health/a")
	require.NoError(t, err)
	require.NotNil(t, stored)
	return string(stored.Value)
}

// The credential in use that is sent again, and that storage does not take, changes nothing
// of what is known of it: neither a verdict, nor that it outlived its end.
func TestTheSameCredentialThatCannotBeStoredChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		life   time.Duration
		found  *providers.Error
		status backend.Status
	}{
		"outlived": {time.Hour, nil, backend.StatusExpiring},
		"degraded": {0, failure(providers.InsufficientScope), backend.StatusDegraded},
	} {
		t.Run(name, func(t *testing.T) {
			store := &storage{}
			w := newWorld(store)
			withKey(t, w, c.life)
			w.clock.advance(2 * time.Hour)
			if c.found != nil {
				w.upstream.refuses(c.found)
			}
			require.Equal(t, c.status, w.check(t).Status)
			w.upstream.answers(nil)
			record, finding := w.storedRecord(t), w.findingOf(t)
			again := entry("mia@example.com", "k1")
			again.ExpiresAt = w.clock.now().Add(90 * day)
			w.clock.advance(time.Minute)
			store.reset(onCalls(fails, "Put credentials/"))
			_, err := w.Swaps.Reauth(t.Context(), "a", again, backend.Actor{})
			require.ErrorIs(t, err, errDisk)
			assert.Equal(t, record, w.storedRecord(t))
			assert.Equal(t, finding, w.findingOf(t))
			assert.Equal(t, c.status, w.status(t, "a"))
			assert.Equal(t, c.status, w.restarted().status(t, "a"))

			store.reset(onCalls(fails, "Put health/"))
			_, err = w.Swaps.Reauth(t.Context(), "a", again, backend.Actor{})
			require.ErrorIs(t, err, errDisk, "what was found is not void yet")
			assert.Equal(t, finding, w.findingOf(t))
			store.reset(nil)
			w.reauth(t, again)
			assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
			assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"))
			assert.Equal(t, again.ExpiresAt, w.restarted().health(t).ExpiresAt)
		})
	}
}

// A check that began before the same credential was sent again, and verified, says nothing
// against it: what made it fail may have been put right in between.
func TestACheckFromBeforeTheSameWasSentAgain(t *testing.T) {
	for outcome, slower := range map[providers.Outcome]bool{providers.Rejected: true, providers.InsufficientScope: false} {
		synctest.Test(t, func(t *testing.T) {
			w := sleepy(&storage{})
			fleet(t, w, 1, time.Hour)
			const name = "integration-00000"
			sweep, n := w.Sweeper.Sweep(), 0
			step(t, sweep)
			w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
				if n++; n > 2 {
					return providers.Verified{Identity: cred.Value("email").Reveal(), AccountID: "id-of-" + cred.Value("email").Reveal()}, nil
				}
				if n == 2 || !slower {
					n = 2
					time.Sleep(10 * time.Second)
				}
				return providers.Verified{}, failure(outcome)
			})
			for n < 2 {
				time.Sleep(time.Second)
				require.NoError(t, sweep.Step(t.Context()))
				synctest.Wait()
			}
			time.Sleep(time.Second)
			_, record, err := w.Credentials.Read(t.Context(), name)
			require.NoError(t, err)
			change, err := w.Swaps.Reauth(t.Context(), name, backend.Entry{Credential: record.Current.Credential}, backend.Actor{})
			require.NoError(t, err)
			w.Watch.Swapped(t.Context(), change)
			sweep.Wait()
			assert.Equal(t, 3, n)
			assert.Equal(t, backend.StatusHealthy, w.status(t, name))
			assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, name))
			for range 2 * 60 {
				time.Sleep(time.Minute)
				step(t, sweep)
			}
			assert.Greater(t, n, 3, "it is asked about at the ordinary pace")
		})
	}
}

// A rejection is confirmed by the next check only if the credential was not verified in between.
func TestASuspicionEndsWhereTheSameIsSentAgain(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 1, time.Hour)
	const name = "integration-00000"
	sweep, n := w.Sweeper.Sweep(), 0
	step(t, sweep)
	rejects := func(until int) {
		w.during(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
			return providers.Verified{}, failure(providers.Rejected)
		}, func() { n++ })
		for range 2 * 60 {
			if n < until {
				w.clock.advance(time.Minute)
				step(t, sweep)
			}
		}
		require.Equal(t, until, n)
	}
	rejects(1)
	w.upstream.answers(nil)
	_, record, err := w.Credentials.Read(t.Context(), name)
	require.NoError(t, err)
	change, err := w.Swaps.Reauth(t.Context(), name, backend.Entry{Credential: record.Current.Credential}, backend.Actor{})
	require.NoError(t, err)
	w.Watch.Swapped(t.Context(), change)
	rejects(2)
	assert.Equal(t, backend.StatusHealthy, w.status(t, name))
	rejects(3)
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, name))
}

// A finding that is only in memory is not lost where what makes it void cannot be stored.
func TestAFindingInMemoryOutlivesAnotherThatIsNotStored(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	keyWorld(t, w)
	w.upstream.refuses(failure(providers.InsufficientScope))
	store.reset(refusesWritesOf("health/"))
	require.Equal(t, backend.StatusDegraded, w.check(t).Status)
	w.upstream.answers(nil)
	w.clock.advance(time.Second)
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "old"), backend.Actor{})
	require.ErrorIs(t, err, errDisk)
	assert.Equal(t, backend.StatusDegraded, w.status(t, "a"))
	store.reset(nil)
	w.reauth(t, entry("mia@example.com", "old"))
	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"))
	assert.Empty(t, w.Faults(""))
}

// Nor where an integration could not be deleted.
func TestAFindingInMemoryOutlivesADeletionThatFails(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	groupWorld(t, w)
	w.upstream.refuses(failure(providers.InsufficientScope))
	store.reset(refusesWrites)
	require.Equal(t, backend.StatusDegraded, w.check(t).Status)
	require.ErrorIs(t, w.Integrations.Delete(t.Context(), "a"), errDisk)
	assert.Equal(t, backend.StatusDegraded, w.status(t, "a"))
	store.reset(nil)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	step(t, w.Sweeper.Sweep())
	assert.Empty(t, w.Faults(""))
	left, err := store.List(t.Context(), "health/")
	require.NoError(t, err)
	assert.NotContains(t, left, "a")
}

// That holds for a check by hand, too, whose second question comes a moment after the first.
func TestASuspicionEndsDuringACheckByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		keyWorld(t, w)
		w.upstream.refuses(failure(providers.Rejected))
		go func() {
			time.Sleep(ask.ConfirmPause / 2)
			w.upstream.answers(nil)
			change, err := w.Swaps.Reauth(context.Background(), "a", entry("mia@example.com", "old"), backend.Actor{})
			if assert.NoError(t, err) {
				w.Watch.Swapped(context.Background(), change)
			}
			w.upstream.refuses(failure(providers.Rejected))
		}()
		assert.Equal(t, backend.StatusHealthy, w.check(t).Status, "it was rejected once since")
		assert.Equal(t, backend.StatusNeedsReauth, w.check(t).Status)
	})
}
