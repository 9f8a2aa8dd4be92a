package mounted_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/providers"
)

// waiter is a read that waits, and how it was answered once done is closed.
type waiter struct {
	out     *handout.Handout
	warning string
	err     error
	took    time.Duration
	done    chan struct{}
}

// waits begins a read of "a" that waits, and lets it come to rest.
func (w *world) waits(ctx context.Context, until backend.Until) *waiter {
	return w.waitsAs(ctx, waiting.Read{Name: "a", Resource: backend.DefaultResource, Until: until})
}

func (w *world) waitsAs(ctx context.Context, r waiting.Read) *waiter {
	one, began := &waiter{done: make(chan struct{})}, time.Now()
	go func() {
		defer close(one.done)
		one.out, one.warning, one.err = w.Waiting.HandOut(ctx, r)
		one.took = time.Since(began)
	}()
	synctest.Wait()
	return one
}

// still demands that a read goes on waiting.
func (one *waiter) still(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-one.done:
		t.Fatalf("it was answered after %s: %v", one.took, one.err)
	default:
	}
}

// answered demands that a read has been answered without any time passing.
func (one *waiter) answered(t *testing.T) *waiter {
	t.Helper()
	synctest.Wait()
	select {
	case <-one.done:
	default:
		t.Fatal("it still waits")
	}
	return one
}

const minute = time.Minute

// waitingWorld is a world with integration "a" at version 1.
func waitingWorld(t *testing.T, store logical.Storage) *world {
	t.Helper()
	w := sleepy(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key-1"))
	return w
}

// Whatever changes the credential wakes the reads that wait for another version, at once,
// and each is answered with what a plain read is.
func TestAReadWaitsForTheNextVersion(t *testing.T) {
	who := backend.Actor{Via: "test"}
	for name, do := range map[string]act{
		"a re-authentication": reauthentication(entry("mia@example.com", "key-3")),
		"a rollback":          func(ctx context.Context, w *world) error { return of(w.Swaps.Rollback(ctx, "a", who)) },
		"what another node stored": func(ctx context.Context, w *world) error {
			defer w.Invalidate(backend.CredentialsPrefix + "a")
			return reauthentication(entry("mia@example.com", "key-3"))(ctx, w.restarted())
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := waitingWorld(t, &logical.InmemStorage{})
				w.reauth(t, entry("mia@example.com", "key-2"))
				var all []*waiter
				for range 5 {
					all = append(all, w.waits(t.Context(), backend.Until{Wait: minute, Version: 2}))
				}
				time.Sleep(20 * time.Second)
				require.NoError(t, do(t.Context(), w))
				for _, one := range all {
					one.answered(t)
					require.NoError(t, one.err)
					assert.Equal(t, 20*time.Second, one.took)
					assert.Equal(t, 3, one.out.Record.Version)
					assert.Equal(t, w.key(t), one.out.Record.Current.Credential.Value("key").Reveal())
					assert.Empty(t, one.warning)
				}
			})
		})
	}
}

func TestAReadWaitsForARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		rotatable(t, w, true)
		_, before, err := w.Credentials.Read(t.Context(), "a")
		require.NoError(t, err)
		one := w.waits(t.Context(), backend.Until{Wait: minute, Version: before.Version})
		_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, before.Version+1, one.answered(t).out.Record.Version)
	})
}

// What leaves nothing to hand out ends the wait, with the refusal of a plain read.
func TestAReadWaitsForNothingThatIsGone(t *testing.T) {
	for name, do := range map[string]act{
		"the credential was forgotten": forgetting,
		"the integration was deleted":  func(ctx context.Context, w *world) error { return w.Integrations.Delete(ctx, "a") },
		"another node deleted the integration": func(ctx context.Context, w *world) error {
			defer w.Invalidate(backend.IntegrationsPrefix + "a")
			defer w.Invalidate(backend.CredentialsPrefix + "a")
			return w.restarted().Integrations.Delete(ctx, "a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := waitingWorld(t, &logical.InmemStorage{})
				one := w.waits(t.Context(), backend.Until{Wait: minute, Version: 1})
				one.still(t)
				require.NoError(t, do(t.Context(), w))
				one.answered(t)
				if one.err == nil {
					assert.Nil(t, one.out.Record.Current)
				} else {
					requireCode(t, one.err, backend.CodeUnknownIntegration)
				}
			})
		})
	}
}

// A read that has nothing to wait for is answered at once.
func TestReadsThatDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := waitingWorld(t, &logical.InmemStorage{})
		w.create(t, "b", "key")
		for name, r := range map[string]waiting.Read{
			"without a wait":        {Name: "a", Until: backend.Until{Version: 1}},
			"an older version":      {Name: "a", Until: backend.Until{Wait: minute}},
			"a newer version":       {Name: "a", Until: backend.Until{Wait: minute, Version: 7}},
			"another fingerprint":   {Name: "a", Until: backend.Until{Wait: minute, Version: 1, Fingerprint: "other"}},
			"an unknown one":        {Name: "c", Until: backend.Until{Wait: minute, Version: 1}},
			"one that has none yet": {Name: "b", Until: backend.Until{Wait: minute}},
		} {
			assert.Zero(t, w.waitsAs(t.Context(), r).answered(t).took, name)
		}
	})
}

// After the time is over the answer is that of a plain read. What changes nothing for this
// reader does not end its wait.
func TestAWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := waitingWorld(t, &logical.InmemStorage{})
		w.create(t, "b", "key")
		one := w.waits(t.Context(), backend.Until{Wait: minute, Version: 1})
		_, err := w.Swaps.Reauth(t.Context(), "b", entry("mia@example.com", "key-9"), backend.Actor{})
		require.NoError(t, err)
		w.reauth(t, entry("mia@example.com", "key-1")) // the same once more
		w.Invalidate(backend.CredentialsPrefix + "a")
		require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("description", "it is described")}))
		one.still(t)
		time.Sleep(minute)
		one.answered(t)
		require.NoError(t, one.err)
		assert.Equal(t, minute, one.took)
		assert.Equal(t, 1, one.out.Record.Version)
		assert.Equal(t, "it is described", one.out.Integration.Settings.Text("description"))
		assert.Empty(t, one.warning)
	})
}

// A shared credential is swapped for all: reads of each integration are woken, also of one
// that came to it while the read waited elsewhere.
func TestAReadWaitsForASharedCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		join := func(name, group string, create bool) {
			require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: create, Provider: "sharing", AuthType: "key", Settings: texts("organization", group)}))
		}
		join("a", "acme", true)
		join("b", "acme", true)
		w.reauth(t, entry("mia@example.com", "key-1"))
		one := w.waitsAs(t.Context(), waiting.Read{Name: "b", Until: backend.Until{Wait: minute, Version: 1}})
		w.reauth(t, entry("mia@example.com", "key-2"))
		assert.Equal(t, 2, one.answered(t).out.Record.Version)
	})
}

// A write that storage answered with an error and carried out all the same wakes, too.
func TestAReadWaitsForAnUncertainWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &lyingStorage{Storage: &logical.InmemStorage{}}
		w := waitingWorld(t, store)
		one := w.waits(t.Context(), backend.Until{Wait: minute, Version: 1})
		store.lies = true
		_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "key-2"), backend.Actor{})
		require.Error(t, err)
		assert.Equal(t, 2, one.answered(t).out.Record.Version)
	})
}

// While nobody can tell what such a write left, the read goes on waiting; it is woken as
// soon as somebody can.
func TestAReadWaitsForAWriteThatIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &lyingStorage{Storage: &logical.InmemStorage{}}
		w := waitingWorld(t, store)
		one := w.waits(t.Context(), backend.Until{Wait: minute, Version: 1})
		store.lies, store.silent = true, true
		_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "key-2"), backend.Actor{})
		require.Error(t, err)
		one.still(t)
		store.silent = false
		assert.Equal(t, "key-2", w.key(t))
		assert.Equal(t, 2, one.answered(t).out.Record.Version)
	})
}

// lyingStorage carries writes out and says that it did not. A silent one cannot be read.
type lyingStorage struct {
	logical.Storage
	lies, silent bool
}

func (s *lyingStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if s.silent {
		return nil, fmt.Errorf("storage: as the test wants")
	}
	return s.Storage.Get(ctx, key)
}

func (s *lyingStorage) Put(ctx context.Context, e *logical.StorageEntry) error {
	err := s.Storage.Put(ctx, e)
	if s.lies {
		return fmt.Errorf("storage: as the test wants")
	}
	return err
}

// Who waits by fingerprint hears of a renewed access token; who waits by version does not,
// but does not let it end either: the wait has it renewed when that is due.
func TestAReadWaitsForAnAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		w.app(t, "app")
		before := w.consent(t).After
		due := before.Current.Access.DueAt()
		time.Sleep(time.Until(due) - 30*time.Second)
		byFingerprint := w.waitsAs(t.Context(), waiting.Read{Name: "app", Until: backend.Until{Wait: minute, Fingerprint: before.Current.Fingerprint}})
		byVersion := w.waitsAs(t.Context(), waiting.Read{Name: "app", Until: backend.Until{Wait: minute, Version: before.Version}})
		time.Sleep(29 * time.Second)
		byFingerprint.still(t)
		time.Sleep(2 * time.Second)
		byFingerprint.answered(t)
		assert.InDelta(t, 30*time.Second, byFingerprint.took, float64(10*time.Millisecond))
		assert.NotEqual(t, before.Current.Fingerprint, byFingerprint.out.Fingerprint())
		byVersion.still(t)
		_, refreshes := w.server.asked()
		assert.Equal(t, 1, refreshes, "one for all who wait")
		time.Sleep(minute)
		assert.Equal(t, byFingerprint.out.Fingerprint(), byVersion.answered(t).out.Fingerprint())
	})
}

// While a token cannot be renewed the reads that wait do not ask all the time; when it ends
// they are refused.
func TestAReadWaitsWhileTheUpstreamIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		w.app(t, "app")
		before := w.consent(t).After
		w.server.fails(failure(providers.Unreachable))
		time.Sleep(time.Until(before.Current.Access.ExpiresAt) - 30*time.Second)
		var all []*waiter
		for range 20 {
			all = append(all, w.waitsAs(t.Context(), waiting.Read{Name: "app", Until: backend.Until{Wait: minute, Fingerprint: before.Current.Fingerprint}}))
		}
		_, first := w.server.asked()
		time.Sleep(29 * time.Second)
		for _, one := range all {
			one.still(t)
		}
		_, refreshes := w.server.asked()
		assert.LessOrEqual(t, refreshes-first, 2*7, "about every 5 seconds, and confirmed")
		time.Sleep(7 * time.Second)
		for _, one := range all {
			requireCode(t, one.answered(t).err, string(providers.Unreachable))
		}
	})
}

// A renewal that hangs lets no read go on for longer than it was to wait: what lives is handed
// out then, and for what has ended the read is refused.
func TestAReadWaitsNoLongerThanItWasTo(t *testing.T) {
	for name, c := range map[string]struct {
		left    time.Duration // of the token's life as the read begins
		refused bool
	}{
		"due":                      {10 * minute, false},
		"due within the wait":      {0, false},
		"it ends within the wait":  {30 * time.Second, true},
		"it has ended":             {-minute, true},
		"due at the end of a wait": {-1, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&logical.InmemStorage{})
				w.app(t, "app")
				access := w.consent(t).After.Current.Access
				w.server.hold = func(context.Context) { time.Sleep(10 * minute) }
				switch c.left {
				case 0:
					time.Sleep(time.Until(access.DueAt()) - 57*time.Second)
				case -1:
					time.Sleep(time.Until(access.DueAt()) - minute)
				default:
					time.Sleep(time.Until(access.ExpiresAt) - min(c.left, access.ExpiresAt.Sub(access.DueAt())))
				}
				one := w.waitsAs(t.Context(), waiting.Read{Name: "app", Until: backend.Until{Wait: minute, Version: 1}})
				time.Sleep(minute - time.Millisecond)
				if c.left != 30*time.Second {
					one.still(t)
				}
				time.Sleep(2 * time.Millisecond)
				one.answered(t)
				assert.LessOrEqual(t, one.took, minute)
				if c.refused {
					requireCode(t, one.err, string(providers.Unreachable))
				} else {
					require.NoError(t, one.err)
					assert.Equal(t, "access-1", one.out.Record.Current.Credential.Value("access_token").Reveal())
				}
				time.Sleep(10 * minute) // it went on by itself
			})
		})
	}
}

// A node that may not renew has the read wait where that can be done; it keeps those that
// need no renewal in this time.
func TestAReadWaitsOnTheActiveNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		w.app(t, "app")
		before := w.consent(t).After
		r := waiting.Read{Name: "app", Until: backend.Until{Wait: minute, Version: before.Version}, Writable: func() bool { return false }}
		here := w.waitsAs(t.Context(), r)
		here.still(t)
		time.Sleep(time.Until(before.Current.Access.DueAt()) - 30*time.Second)
		require.NoError(t, here.answered(t).err)
		assert.ErrorIs(t, w.waitsAs(t.Context(), r).answered(t).err, logical.ErrReadOnly)
	})
}

// Of a pool a read waits until another token is to be used: after reports, and because of
// the time alone.
func TestAReadWaitsForAnotherToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		poolOf(t, w, "mia", "ben")
		_, one, _ := w.handed(t, backend.DefaultResource)
		until := backend.Until{Wait: minute, Fingerprint: one}
		first, byVersion := w.waits(t.Context(), until), w.waits(t.Context(), backend.Until{Wait: minute, Version: 1})
		w.report(t, backend.Report{Fingerprint: one, Resource: backend.DefaultResource, Remaining: left(3000), ResetAt: time.Now().Add(time.Hour)})
		time.Sleep(time.Second)
		first.still(t)
		w.report(t, backend.Report{Fingerprint: one, Resource: backend.DefaultResource, StatusCode: 401})
		time.Sleep(time.Second)
		other := first.answered(t).out.Fingerprint()
		assert.NotEqual(t, one, other)
		assert.Less(t, first.took, 2*time.Second, "half a second and not the whole wait")
		byVersion.still(t)
	})
}

// Nobody reports when a quota is full again.
func TestAReadWaitsForAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&logical.InmemStorage{})
		poolOf(t, w, "mia", "ben")
		_, one, _ := w.handed(t, backend.DefaultResource)
		reset := time.Now().Add(30 * time.Second)
		w.report(t, backend.Report{Fingerprint: one, Resource: backend.DefaultResource, Remaining: left(0), ResetAt: reset})
		_, other, _ := w.handed(t, backend.DefaultResource)
		require.NotEqual(t, one, other)
		w.report(t, backend.Report{Fingerprint: other, Resource: backend.DefaultResource, Remaining: left(10), ResetAt: reset.Add(time.Hour)})
		second := w.waits(t.Context(), backend.Until{Wait: minute, Fingerprint: other})
		time.Sleep(30*time.Second - time.Millisecond)
		second.still(t)
		time.Sleep(10 * time.Millisecond)
		assert.Equal(t, one, second.answered(t).out.Fingerprint())
	})
}

// A worker that goes away frees its place, and one that comes after the last place is
// answered at once with a warning.
func TestPlacesToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := waitingWorld(t, &logical.InmemStorage{})
		until := backend.Until{Wait: minute, Version: 1}
		ctx, hangUp := context.WithCancel(t.Context())
		gone := w.waits(ctx, until)
		var all []*waiter
		for range waiting.MaxWaiting - 1 {
			all = append(all, w.waits(t.Context(), until))
		}
		late := w.waits(t.Context(), until).answered(t)
		require.NoError(t, late.err)
		assert.Equal(t, 1, late.out.Record.Version)
		assert.Contains(t, late.warning, "1000 wait in this mount already")
		hangUp()
		assert.ErrorIs(t, gone.answered(t).err, context.Canceled)
		after := w.waits(t.Context(), until)
		after.still(t)
		w.reauth(t, entry("mia@example.com", "key-2"))
		for _, one := range append(all, after) {
			assert.Equal(t, 2, one.answered(t).out.Record.Version)
		}
		again := w.waits(t.Context(), backend.Until{Wait: minute, Version: 2})
		again.still(t)
		time.Sleep(minute)
		again.answered(t)
	})
}

// When the engine ends nobody is left waiting, and nobody begins to.
func TestCloseEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := waitingWorld(t, &logical.InmemStorage{})
		until := backend.Until{Wait: minute, Version: 1}
		all := []*waiter{w.waits(t.Context(), until), w.waits(t.Context(), until)}
		began := time.Now()
		w.Waiting.Close()
		assert.Zero(t, time.Since(began))
		w.Waiting.Close()
		for _, one := range append(all, w.waits(t.Context(), until)) {
			require.NoError(t, one.answered(t).err)
			assert.Equal(t, 1, one.out.Record.Version)
		}
	})
}

// maxWait sets for how long reads may wait.
func (w *world) maxWait(t *testing.T, seconds int64) {
	t.Helper()
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"max_wait": seconds}}))
}

// An operator bounds the waiting, and ends what goes on: whoever waited for longer by then is
// answered at once, the others when their time is over, and each is told why.
func TestAnOperatorEndsTheWaiting(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, w *world, seconds int64){
		"here": func(t *testing.T, w *world, seconds int64) { t.Helper(); w.maxWait(t, seconds) },
		"on another node": func(t *testing.T, w *world, seconds int64) {
			t.Helper()
			w.restarted().maxWait(t, seconds)
			w.Invalidate(backend.MountKey)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := waitingWorld(t, &logical.InmemStorage{})
				until := backend.Until{Wait: minute, Version: 1}
				long := w.waits(t.Context(), until)
				time.Sleep(20 * time.Second)
				short := w.waits(t.Context(), until)
				mine := w.waits(t.Context(), backend.Until{Wait: 5 * time.Second, Version: 1})
				time.Sleep(time.Second)
				do(t, w, 10)
				assert.Equal(t, 21*time.Second, long.answered(t).took)
				short.still(t)
				time.Sleep(minute)
				assert.Equal(t, 10*time.Second, short.answered(t).took)
				assert.Equal(t, 5*time.Second, mine.answered(t).took)
				for _, one := range []*waiter{long, short} {
					require.NoError(t, one.err)
					assert.Equal(t, 1, one.out.Record.Version)
					assert.Contains(t, one.warning, "max_wait of the mount is 10 seconds")
				}
				assert.Empty(t, mine.warning)

				do(t, w, 0)
				none := w.waits(t.Context(), until).answered(t)
				assert.Zero(t, none.took)
				assert.Contains(t, none.warning, "did not wait, because max_wait of the mount is 0")
				assert.Empty(t, w.waits(t.Context(), backend.Until{Wait: minute}).answered(t).warning, "there was nothing to wait for")

				do(t, w, 60)
				again := w.waits(t.Context(), until)
				time.Sleep(30 * time.Second)
				again.still(t)
				do(t, w, 0)
				assert.Equal(t, 30*time.Second, again.answered(t).took)
			})
		})
	}
}
