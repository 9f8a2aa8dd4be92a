package mounted_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	deeds "vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// day is that of a calendar without summer time.
const day = 24 * time.Hour

// untaughtWorld is keyWorld after a check by hand to which the upstream told an end in five
// days, which storage did not take.
func untaughtWorld(t *testing.T) (w *world, store *storage, heard *toldFaults) {
	t.Helper()
	store = &storage{}
	w = newWorld(store)
	heard = listen(w)
	endsIn(t, w, 5*day)
	step(t, w.Sweeper.Sweep()) // it is too early to check
	store.reset(refusesWrites)
	w.clock.advance(time.Second)
	w.check(t)
	return w, store, heard
}

// storedRecord is the record of "a" as it is stored; "" for none.
func (w *world) storedRecord(t *testing.T) string {
	t.Helper()
	store, _ := w.storage.(*storage)
	stored, err := store.InmemStorage.Get(t.Context(), "credentials/a")
	require.NoError(t, err)
	if stored == nil {
		return ""
	}
	return string(stored.Value)
}

// refusesWritesOf is a storage that takes all writes but those of one folder.
func refusesWritesOf(folder string) func(int, string) fault { return onCalls(fails, "Put "+folder) }

// counting counts what the upstream is asked.
func (w *world) counting(n *int, end time.Time) {
	w.during(telling(end), func() { *n++ })
}

// While storage takes no writes, what a check by itself is told of a credential is seen and
// announced all the same, and told once. When writes work again it is stored, and the
// upstream is not asked for it again.
func TestASweepLearnsWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	heard := listen(w)
	keyWorld(t, w)
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	end, asked := w.clock.now().Add(5*day), 0
	w.counting(&asked, end)
	store.reset(refusesWrites)
	for range 2 * 60 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	require.Positive(t, asked)
	assessed, err := w.Watch.Health(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusExpiring, assessed.Health.Status)
	assert.Equal(t, end, assessed.Health.ExpiresAt)
	assert.Equal(t, end, assessed.Record.Current.ExpiresAt)
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, end, record.Current.ExpiresAt, "all who read it are told the same")
	whole, err := w.Watch.Fleet(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, whole.ByStatus[backend.StatusExpiring])
	require.Len(t, whole.Expiring, 1)
	assert.Equal(t, end, whole.Expiring[0].ExpiresAt)
	require.Len(t, w.events.of(backend.EventExpiring), 1)
	assert.Equal(t, 7, w.events.of(backend.EventExpiring)[0].DaysLeft)

	faults := w.Faults("a")
	require.Len(t, faults, 1)
	assert.Equal(t, deeds.DeedStore, faults[0].Deed)
	assert.Contains(t, faults[0].Sentence(), "no space left on device")
	require.Len(t, heard.all(), 1, "it is told once")
	assert.NotContains(t, fmt.Sprintf("%+v %v", faults, heard.all()), "mia@", "what was learnt is not told")
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"), "a restart loses it")

	store.reset(nil)
	before := asked
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Equal(t, before, asked)
	assert.Empty(t, w.Faults(""))
	require.Len(t, heard.all(), 2, "that it is over is told once")
	assert.Contains(t, heard.all()[1], "true storing what checks find")
	after := w.restarted()
	assert.Equal(t, end, after.health(t).ExpiresAt)
	assert.Equal(t, backend.StatusExpiring, after.status(t, "a"))
	assert.Equal(t, backend.StatusExpiring, w.status(t, "a"))
	store.reset(nil)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.NotContains(t, store.made(), "Put credentials/a", "it is stored once")
}

// A check by hand says so at once; so do the next ones, whatever a check in between could
// not tell.
func TestACheckByHandLearnsWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	keyWorld(t, w)
	all, err := w.Watch.All(t.Context())
	require.NoError(t, err)
	require.Equal(t, backend.StatusHealthy, all.Assessments[0].Health.Status)
	end := w.clock.now().Add(5 * day)
	w.upstream.answers(telling(end))
	store.reset(refusesWrites)
	assessed, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusExpiring, assessed.Health.Status)
	assert.Equal(t, end, assessed.Health.ExpiresAt)
	assert.Empty(t, assessed.Notes, "the fault says it")
	assert.Len(t, w.Faults("a"), 1)
	all, err = w.Watch.All(t.Context())
	require.NoError(t, err)
	assert.Equal(t, backend.StatusExpiring, all.Assessments[0].Health.Status, "what was seen a moment ago does not stand")

	w.upstream.refuses(failure(providers.UpstreamError))
	assert.Equal(t, end, w.check(t).ExpiresAt)
	w.upstream.answers(telling(end.Add(time.Hour)))
	assert.Equal(t, end.Add(time.Hour), w.check(t).ExpiresAt, "what is told later counts")
	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	assert.Equal(t, end.Add(time.Hour), w.restarted().health(t).ExpiresAt)
	assert.Empty(t, w.Faults(""))
}

// Names and scopes are learnt as ends are.
func TestAllThatIsToldIsLearntWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia@example.com", AccountID: "1", NoEnd: true}, nil
	})
	keyWorld(t, w)
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia.new@example.com", AccountID: "1", Scopes: []string{"read"}, NoEnd: true}, nil
	})
	store.reset(refusesWrites)
	w.check(t)
	look := func(w *world) (string, []string) {
		_, record, err := w.Credentials.Read(t.Context(), "a")
		require.NoError(t, err)
		return record.Current.Identity, record.Current.Scopes
	}
	name, scopes := look(w)
	assert.Equal(t, "mia.new@example.com", name)
	assert.Equal(t, []string{"read"}, scopes)
	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	name, scopes = look(w.restarted())
	assert.Equal(t, "mia.new@example.com", name)
	assert.Equal(t, []string{"read"}, scopes)
}

// What was learnt and not stored is of one credential: whatever became of that since counts
// more, and is not undone when writes work again.
func TestWhatWasLearntAndNotStoredUndoesNothing(t *testing.T) {
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
		"a later check": func(t *testing.T, w *world) {
			t.Helper()
			w.upstream.answers(telling(time.Time{}))
			w.check(t)
			assert.Empty(t, w.Faults(""), "nothing is left to store")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, store, heard := untaughtWorld(t)
			require.Equal(t, backend.StatusExpiring, w.status(t, "a"))
			store.reset(nil)
			w.upstream.answers(nil)
			act(t, w)
			after := w.storedRecord(t)
			if name != "delete" {
				assert.True(t, w.health(t).ExpiresAt.IsZero())
			}
			w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
				t.Error("nobody need be asked")
				return providers.Verified{}, failure(providers.Unreachable)
			})
			step(t, w.Sweeper.Sweep())
			assert.Equal(t, after, w.storedRecord(t))
			if name != "delete" {
				assert.True(t, w.health(t).ExpiresAt.IsZero())
			}
			assert.Empty(t, w.Faults(""))
			assert.Len(t, heard.all(), 2)
		})
	}
}

// A rotation between the check and the time when writes work again wins.
func TestARotationOvertakesWhatWasLearnt(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, true)
	w.bank.ends["first-key"] = w.clock.now().Add(5 * day)
	store.reset(refusesWrites)
	assert.Equal(t, w.bank.ends["first-key"], w.check(t).ExpiresAt)
	store.reset(nil)
	require.NoError(t, of(w.Swaps.Rotate(t.Context(), "a", backend.Actor{})))
	after := w.storedRecord(t)
	w.bank.mu.Lock()
	end := w.bank.ends["made-key-1"]
	w.bank.mu.Unlock()
	assert.Equal(t, end, w.health(t).ExpiresAt)
	step(t, w.Sweeper.Sweep())
	assert.Equal(t, after, w.storedRecord(t))
	assert.Equal(t, end, w.health(t).ExpiresAt)
	assert.Empty(t, w.Faults(""))
}

// What was found and what was learnt have one fault, which is over when neither waits.
func TestOneFaultForAllThatIsNotStored(t *testing.T) {
	for _, last := range []string{"credentials/", "health/"} {
		t.Run(last, func(t *testing.T) {
			store := &storage{}
			w := newWorld(store)
			heard := listen(w)
			fleet(t, w, 2, time.Hour)
			sweep := w.Sweeper.Sweep()
			step(t, sweep)
			end := w.clock.now().Add(100 * day)
			w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
				name := cred.Value("email").Reveal()
				if strings.HasPrefix(name, "integration-00000") {
					return providers.Verified{}, failure(providers.InsufficientScope)
				}
				return providers.Verified{Identity: name, AccountID: "id-of-" + name, ExpiresAt: end}, nil
			})
			store.reset(refusesWrites)
			for _, name := range []string{"integration-00000", "integration-00001"} {
				require.NoError(t, of(w.Watch.Check(t.Context(), name)))
			}
			require.Len(t, w.Faults(""), 1)
			since := w.Faults("")[0].Since
			store.reset(refusesWritesOf(last))
			w.clock.advance(time.Minute)
			step(t, sweep)
			require.Len(t, w.Faults(""), 1, "%s is not stored yet", last)
			assert.Equal(t, since, w.Faults("")[0].Since)
			require.Len(t, heard.all(), 1)
			store.reset(nil)
			w.clock.advance(time.Minute)
			step(t, sweep)
			assert.Empty(t, w.Faults(""))
			require.Len(t, heard.all(), 2)
			after := w.restarted()
			assert.Equal(t, backend.StatusDegraded, after.status(t, "integration-00000"))
			assessed, err := after.Watch.Health(t.Context(), "integration-00001")
			require.NoError(t, err)
			assert.Equal(t, end, assessed.Health.ExpiresAt)
		})
	}
}

// Of a pool each token is learnt by itself: what one check was told of one, the next, which
// was told of another, does not lose.
func TestTokensOfAPoolLearnWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	withPool(t, w, "one", "two")
	begun := w.clock.now()
	ends := map[string]time.Time{}
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		token := cred.Values("pat")[0].Reveal()
		end, told := ends[token]
		if !told {
			return providers.Verified{}, failure(providers.UpstreamError)
		}
		return providers.Verified{Members: []providers.Member{{Identity: "user-" + token, AccountID: "id-" + token, ExpiresAt: end}}}, nil
	})
	store.reset(refusesWrites)
	known := func(w *world, one, two, first time.Time) {
		t.Helper()
		h := w.health(t)
		require.Len(t, h.Members, 2)
		assert.Equal(t, one, h.Members[0].ExpiresAt)
		assert.Equal(t, two, h.Members[1].ExpiresAt)
		assert.Equal(t, first, h.ExpiresAt)
	}
	look := func(now map[string]time.Time) {
		ends = now
		w.clock.advance(time.Minute)
		w.check(t)
	}
	look(map[string]time.Time{"one": begun.Add(5 * day)})
	known(w, begun.Add(5*day), time.Time{}, begun.Add(5*day))
	look(map[string]time.Time{"two": begun.Add(50 * day)})
	known(w, begun.Add(5*day), begun.Add(50*day), begun.Add(5*day))
	look(map[string]time.Time{"one": begun.Add(60 * day), "two": begun.Add(50 * day)})
	known(w, begun.Add(60*day), begun.Add(50*day), begun.Add(50*day))
	look(map[string]time.Time{"two": begun.Add(70 * day)})
	known(w, begun.Add(60*day), begun.Add(70*day), begun.Add(60*day))
	known(w.restarted(), time.Time{}, time.Time{}, time.Time{})

	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	known(w.restarted(), begun.Add(60*day), begun.Add(70*day), begun.Add(60*day))
	assert.Empty(t, w.Faults(""))
}

// A token of a pool whose end was put off is handed out after the end that is stored.
func TestATokenWhoseEndWasPutOffIsHandedOut(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "pool")
	ends := map[string]time.Time{"one": w.clock.now().Add(2 * day), "two": w.clock.now().Add(2 * day)}
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		var v providers.Verified
		for _, token := range cred.Values("pat") {
			v.Members = append(v.Members, providers.Member{Identity: token.Reveal(), AccountID: token.Reveal(), ExpiresAt: ends[token.Reveal()]})
		}
		return v, nil
	})
	w.reauth(t, pool("one", "two"))
	store.reset(refusesWrites)
	ends["two"] = w.clock.now().Add(90 * day)
	w.check(t)
	w.clock.advance(3 * day)
	token, _, _ := w.handed(t, backend.DefaultResource)
	assert.Equal(t, "two", token)
	h := w.health(t)
	assert.Equal(t, backend.StatusNeedsReauth, h.Members[0].Status)
	assert.Equal(t, backend.StatusHealthy, h.Members[1].Status)
}

// A lesson of a credential that integrations share is seen of all of them, and stored once.
func TestAGroupLearnsWhileStorageTakesNoWrites(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	groupWorld(t, w)
	end := w.clock.now().Add(100 * day)
	w.upstream.answers(telling(end))
	store.reset(refusesWrites)
	w.check(t)
	assessed, err := w.Watch.Health(t.Context(), "b")
	require.NoError(t, err)
	assert.Equal(t, end, assessed.Health.ExpiresAt)
	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	assessed, err = w.restarted().Watch.Health(t.Context(), "b")
	require.NoError(t, err)
	assert.Equal(t, end, assessed.Health.ExpiresAt)
}

// A write that was carried out although it was answered with an error leaves nothing to do.
func TestALessonThatWasStoredAllTheSame(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	end := endsIn(t, w, 5*day)
	store.reset(onCalls(failsBehind, "Put credentials/"))
	assert.Equal(t, end, w.check(t).ExpiresAt)
	assert.Empty(t, w.Faults(""))
	assert.Equal(t, end, w.restarted().health(t).ExpiresAt)
}

// What is learnt during a re-authentication that is refused in the end is seen meanwhile,
// is no fault of storage, and is stored without another question.
func TestWhatIsLearntDuringARefusedReauthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		keyWorld(t, w)
		end, asked := time.Now().Add(5*day).UTC(), 0
		w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
			if asked++; asked == 1 {
				time.Sleep(time.Minute)
				return providers.Verified{}, failure(providers.InsufficientScope)
			}
			return telling(end)(ctx, target, cred)
		})
		go func() {
			assert.Error(t, of(w.Swaps.Reauth(context.Background(), "a", entry("mia@example.com", "new"), backend.Actor{})))
		}()
		synctest.Wait()
		assert.Equal(t, end, w.check(t).ExpiresAt)
		assert.Empty(t, w.Faults(""))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.True(t, w.restarted().health(t).ExpiresAt.IsZero())
		step(t, w.Sweeper.Sweep())
		assert.Equal(t, end, w.restarted().health(t).ExpiresAt)
		assert.Equal(t, 2, asked)
	})
}

// A node that was a standby meanwhile forgets what it could not store: the active one knows
// better.
func TestAStandbyForgetsWhatItCouldNotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storage{}
		w := sleepy(store)
		heard := listen(w)
		endsIn(t, w, 5*day)
		store.reset(refusesWrites)
		w.check(t)
		w.upstream.refuses(failure(providers.UpstreamError))
		store.reset(nil)
		ctx, cancel := context.WithCancel(t.Context())
		done, begun := make(chan struct{}), time.Now()
		go func() {
			defer close(done)
			w.Sweeper.Sweep().Run(ctx, func() bool { return time.Since(begun) > 10*time.Second })
		}()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.True(t, w.health(t).ExpiresAt.IsZero())
		assert.Empty(t, w.Faults(""))
		assert.Len(t, heard.all(), 1, "to forget is no success")
		cancel()
		<-done
	})
}

// Another node that stored the record knows better.
func TestAnInvalidatedRecordForgetsWhatWasLearnt(t *testing.T) {
	w, _, _ := untaughtWorld(t)
	require.False(t, w.health(t).ExpiresAt.IsZero())
	w.Invalidate("credentials/a")
	assert.True(t, w.health(t).ExpiresAt.IsZero())
	assert.Empty(t, w.Faults(""))
}

// Checks side by side, while storage takes a write now and then, leave nothing behind: what
// the last one was told is stored, and the fault is over.
func TestChecksSideBySideWhileStorageComesAndGoes(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	heard := listen(w)
	keyWorld(t, w)
	var told atomic.Int64
	begun := w.clock.now()
	w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
		return telling(begun.Add(100*day+time.Duration(told.Add(1))*time.Hour))(ctx, target, cred)
	})
	store.reset(func(n int, call string) fault {
		if strings.HasPrefix(call, "Put ") && n%3 > 0 {
			return fails
		}
		return works
	})
	sweep := w.Sweeper.Sweep()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				assert.NoError(t, of(w.Watch.Check(t.Context(), "a")))
				assert.NoError(t, of(w.Watch.Health(t.Context(), "a")))
			}
		})
	}
	for range 50 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	group.Wait()
	end := begun.Add(200 * day)
	w.upstream.answers(telling(end))
	store.reset(refusesWrites)
	assert.Equal(t, end, w.check(t).ExpiresAt)
	store.reset(nil)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Equal(t, end, w.restarted().health(t).ExpiresAt)
	assert.Empty(t, w.Faults(""))
	for i, line := range heard.all() {
		assert.Equal(t, i%2 == 1, strings.HasPrefix(line, "true "), "each that begins ends before the next")
	}
}

// Whoever asked for a check may be gone before storage has refused what it came to. That is
// kept all the same, and loses nothing that was kept before.
func TestWhoeverHangsUpLosesNothingOfACheck(t *testing.T) {
	for name, c := range map[string]struct {
		folder string
		answer func(context.Context, providers.Target, providers.Credential) (providers.Verified, error)
		status backend.Status
		before bool // it was found before
	}{
		"found":         {"health/", scopeMissing, backend.StatusDegraded, false},
		"found before":  {"health/", scopeMissing, backend.StatusDegraded, true},
		"learnt":        {"credentials/", nil, backend.StatusExpiring, false},
		"learnt before": {"credentials/", nil, backend.StatusExpiring, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &storage{}
				w := sleepy(store)
				keyWorld(t, w)
				if c.answer == nil {
					c.answer = telling(time.Now().Add(5 * day).UTC())
				}
				w.upstream.answers(c.answer)
				if c.before {
					store.reset(refusesWrites)
					require.Equal(t, c.status, w.check(t).Status)
				}
				store.reset(onCalls(hangs, "Put "+c.folder))
				time.Sleep(time.Second)
				ctx, hangUp := context.WithTimeout(t.Context(), 10*time.Second)
				defer hangUp()
				require.Error(t, of(w.Watch.Check(ctx, "a")))
				time.Sleep(time.Minute)
				synctest.Wait()
				assert.Equal(t, c.status, w.status(t, "a"))
				store.reset(nil)
				w.upstream.refuses(failure(providers.UpstreamError))
				step(t, w.Sweeper.Sweep())
				assert.Equal(t, c.status, w.restarted().status(t, "a"))
				assert.Empty(t, w.Faults(""))
			})
		})
	}
}

func scopeMissing(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
	return providers.Verified{}, failure(providers.InsufficientScope)
}

// What a check finds of a successor that is in use already is kept in memory, too.
func TestWhatIsFoundOfASuccessorIsKept(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, false)
	w.bank.hold = func() {
		w.bank.mu.Lock()
		defer w.bank.mu.Unlock()
		w.bank.down = failure(providers.InsufficientScope)
	}
	store.reset(refusesWritesOf("health/"))
	change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	require.Contains(t, strings.Join(change.Warnings, "\n"), "its check failed")
	require.NotNil(t, change.Finding)
	assert.Equal(t, backend.StatusDegraded, w.status(t, "a"))
	require.Len(t, w.Faults(""), 1)
	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	assert.Equal(t, backend.StatusDegraded, w.restarted().status(t, "a"))
	assert.Empty(t, w.Faults(""))
}
