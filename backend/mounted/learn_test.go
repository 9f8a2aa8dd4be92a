package mounted_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// telling is an answer that tells an end of a key.
func telling(end time.Time) func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
	return func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia@example.com", AccountID: "id-of-mia@example.com", ExpiresAt: end, NoEnd: end.IsZero()}, nil
	}
}

// endsIn is keyWorld with an upstream that now tells when the key ends, which it did not
// before. It returns that end.
func endsIn(t *testing.T, w *world, left time.Duration) time.Time {
	t.Helper()
	keyWorld(t, w)
	end := w.clock.now().Add(left)
	w.upstream.answers(telling(end))
	return end
}

// toldWorld is such a world.
func toldWorld(t *testing.T, w *world) {
	t.Helper()
	endsIn(t, w, 100*day)
}

// during has the next check do something after the upstream has answered it.
func (w *world) during(answer func(context.Context, providers.Target, providers.Credential) (providers.Verified, error), do func()) {
	w.upstream.answers(func(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
		do()
		return answer(ctx, t, cred)
	})
}

// What a swap, a forgetting or a deletion did during a check counts more than what the
// check was told of the credential before.
func TestWhatHappensDuringACheckWins(t *testing.T) {
	for name, act := range map[string]func(*testing.T, *world){
		"reauth": func(t *testing.T, w *world) { t.Helper(); w.reauth(t, entry("mia@example.com", "new")) },
		"the same again": func(t *testing.T, w *world) {
			t.Helper()
			w.clock.advance(time.Second)
			w.reauth(t, entry("mia@example.com", "old"))
		},
		"forget": func(t *testing.T, w *world) {
			t.Helper()
			require.NoError(t, of(w.Swaps.Forget(t.Context(), "a", backend.Actor{})))
		},
		"delete": func(t *testing.T, w *world) { t.Helper(); require.NoError(t, w.Integrations.Delete(t.Context(), "a")) },
		"delete and create": func(t *testing.T, w *world) {
			t.Helper()
			require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
			w.create(t, "a", "key")
			w.reauth(t, entry("mia@example.com", "old"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			keyWorld(t, w)
			var after string
			w.during(telling(w.clock.now().Add(time.Hour)), func() {
				w.upstream.answers(nil)
				act(t, w)
				after = state(t, w.restarted())
			})
			_, err := w.Watch.Check(t.Context(), "a")
			if name == "delete" {
				requireCode(t, err, backend.CodeUnknownIntegration)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, after, state(t, w.restarted()))
		})
	}
}

// A check that is overtaken by one that began later undoes nothing, be it that the later
// one found what was known before, or that the key is rejected.
func TestAnOvertakenCheckUndoesNothing(t *testing.T) {
	at := time.Date(2028, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct{ before, early, late time.Time }{
		"both found something": {time.Time{}, at, at.Add(time.Hour)},
		"as it was":            {at, at.Add(time.Hour), at},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			w.upstream.answers(telling(c.before))
			keyWorld(t, w)
			w.during(telling(c.early), func() {
				w.upstream.answers(telling(c.late))
				w.check(t)
			})
			w.check(t)
			assert.Equal(t, c.late, w.health(t).ExpiresAt)
			assert.Equal(t, c.late, w.restarted().health(t).ExpiresAt)
		})
	}
	t.Run("rejected", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := sleepy(&storage{})
			keyWorld(t, w)
			good := telling(time.Time{})
			w.during(good, func() {
				w.upstream.refuses(failure(providers.Rejected))
				w.check(t)
			})
			assert.Equal(t, backend.StatusNeedsReauth, w.check(t).Status)
		})
	})
}

// A check that began later, finds nothing new, and ends while the earlier one is being
// stored, counts.
func TestACheckDuringThePutOfAnotherCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storage{}
		w := sleepy(store)
		known := time.Now().Add(100 * 24 * time.Hour).UTC()
		w.upstream.answers(telling(known))
		keyWorld(t, w)
		store.mu.Lock()
		store.hold = func(call string) {
			if call == "Put credentials/a" {
				time.Sleep(10 * time.Second)
			}
		}
		store.mu.Unlock()
		store.reset(nil)
		w.upstream.answers(telling(known.Add(time.Hour)))
		go func() { _, _ = w.Watch.Check(context.Background(), "a") }()
		time.Sleep(time.Second)
		w.upstream.answers(telling(known))
		w.check(t)
		time.Sleep(time.Minute)
		assert.Equal(t, known, w.restarted().health(t).ExpiresAt.UTC())
	})
}

// Whoever holds the record is not waited for.
func TestLearningDoesNotWaitForASlowReauthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		keyWorld(t, w)
		slow := true
		w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
			if slow {
				slow = false
				time.Sleep(time.Minute)
			}
			return telling(time.Now().Add(90*24*time.Hour))(ctx, target, cred)
		})
		go func() {
			_, err := w.Swaps.Reauth(context.Background(), "a", entry("mia@example.com", "new"), backend.Actor{})
			assert.NoError(t, err)
		}()
		synctest.Wait()
		begun := time.Now()
		w.check(t)
		assert.Less(t, time.Since(begun), 5*time.Second)
		time.Sleep(time.Hour)
	})
}

// A rotation by itself follows the end that a check was told.
func TestRotationFollowsWhatIsKnown(t *testing.T) {
	w := newWorld(&storage{})
	rotatable(t, w, true, "auto_rotate")
	w.clock.advance(40 * time.Minute)
	step(t, w.Sweeper.Sweep())
	require.Equal(t, "first-key", w.key(t))
	w.bank.ends["first-key"] = w.clock.now().Add(20 * time.Minute)
	require.NoError(t, of(w.Watch.Check(t.Context(), "a")))
	step(t, w.Sweeper.Sweep())
	assert.Equal(t, "made-key-1", w.key(t))
}

// An announcement is of an end: one that was put off is announced when it comes near again.
func TestAnEndThatWasPutOffIsAnnouncedAgain(t *testing.T) {
	w := newWorld(&storage{})
	w.upstream.answers(telling(w.clock.now().Add(5 * 24 * time.Hour)))
	keyWorld(t, w)
	told := func(days ...int) {
		t.Helper()
		w.clock.advance(2 * time.Minute)
		step(t, w.Sweeper.Sweep())
		var have []int
		for _, e := range w.events.of(backend.EventExpiring) {
			have = append(have, e.DaysLeft)
		}
		assert.Equal(t, days, have)
	}
	told(7)
	w.upstream.answers(telling(w.clock.now().Add(30 * 24 * time.Hour)))
	w.check(t)
	told(7)
	w.clock.advance(24 * 24 * time.Hour)
	told(7, 7)
	w.upstream.answers(telling(w.clock.now().Add(10 * 24 * time.Hour)))
	w.check(t)
	told(7, 7, 14)
	told(7, 7, 14)
}

// Integrations that share a credential learn once, however they spell the address.
func TestAGroupLearnsOnce(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	groupWorld(t, w)
	end := w.clock.now().Add(100 * 24 * time.Hour)
	w.upstream.answers(telling(end))
	store.reset(nil)
	for range 2 {
		for _, name := range []string{"a", "b"} {
			assessed, err := w.Watch.Check(t.Context(), name)
			require.NoError(t, err)
			assert.Equal(t, end.UTC(), assessed.Health.ExpiresAt.UTC())
		}
	}
	puts := 0
	for _, call := range store.made() {
		if call[:3] == "Put" {
			puts++
		}
	}
	assert.Equal(t, 1, puts)
}

// Where the clock is behind that of the node that stored a credential, as after it was set
// right, checks count all the same.
func TestChecksCountWhereTheClockIsBehind(t *testing.T) {
	w := newWorld(&storage{})
	keyWorld(t, w)
	w.clock.advance(-time.Hour)
	end := w.clock.now().Add(5 * day)
	w.upstream.answers(telling(end))
	assert.Equal(t, end, w.check(t).ExpiresAt)
	assert.Equal(t, end, w.restarted().health(t).ExpiresAt)
	w.upstream.refuses(failure(providers.InsufficientScope))
	assert.Equal(t, backend.StatusDegraded, w.check(t).Status)
}
