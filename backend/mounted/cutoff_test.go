package mounted_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// interrupted is a world in which the Put of a rotation's successor had the fault, and
// then the engine started anew.
func interrupted(t *testing.T, overlaps bool, f fault) *world {
	t.Helper()
	store := &storage{}
	w := rotatingWorld(t, store, overlaps)
	store.reset(onCalls(f, "Put credentials/"))
	require.Error(t, of(w.Swaps.Rotate(t.Context(), "a", backend.Actor{})))
	store.reset(nil)
	return w.restarted()
}

// cutOff is a world in which a rotation ended before its successor could be swapped in.
func cutOff(t *testing.T, overlaps bool) *world {
	t.Helper()
	return interrupted(t, overlaps, fails)
}

// notTold is a world in which a rotation was stored and nobody was told.
func notTold(t *testing.T, overlaps bool) *world {
	t.Helper()
	return interrupted(t, overlaps, failsBehind)
}

// Forgetting takes up a rotation that was cut off, and goes on from what came of it.
func TestForgettingACutOffRotationGoesForward(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := cutOff(t, overlaps)
		change, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, 2, change.After.Version, "a version never goes back")
		require.Len(t, change.After.History, 3)
		assert.Equal(t, change.After.History[1].Fingerprint, change.After.History[0].Fingerprint, "what was forgotten is what was in use")
		assert.Empty(t, w.key(t))
		assert.Empty(t, w.restarted().key(t))
	}
}

// An upstream that refuses the successor or is down keeps nobody from forgetting.
func TestForgettingNeedsNoUpstream(t *testing.T) {
	for _, outcome := range []providers.Outcome{providers.Unreachable, providers.Rejected} {
		w := cutOff(t, true)
		w.bank.down = failure(outcome)
		_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err, "%s", outcome)
		assert.Empty(t, w.key(t))
		pending, err := w.storage.List(t.Context(), "rotating/")
		require.NoError(t, err)
		assert.Empty(t, pending)
	}
}

// A successor that died before it could be swapped in is given up, and the rotation that
// is asked for makes another.
func TestADeadSuccessorIsGivenUp(t *testing.T) {
	w := cutOff(t, true)
	delete(w.bank.living, "made-key-1")
	change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, 2, change.After.Version)
	assert.Equal(t, "made-key-2", w.key(t))
}

// What is swapped in unchecked, because the credential before is dead, is checked
// afterwards, also when it is taken up: the person is warned, and the event says what
// health says.
func TestATakenUpSuccessorThatDoesNotWork(t *testing.T) {
	w := cutOff(t, false)
	delete(w.bank.living, "made-key-1")
	change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, 2, change.After.Version)
	require.Len(t, change.Warnings, 2)
	assert.Contains(t, change.Warnings[0], "its check failed")
	assert.Contains(t, change.Warnings[1], "no other one was made now")
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"))
	told := w.events.of(backend.EventRotate)
	require.Len(t, told, 1)
	assert.Equal(t, backend.StatusNeedsReauth, told[0].Status)
	assert.Len(t, w.bank.rotates, 1)
}

// Whoever asks again is told what the first time came to, and what workers use meanwhile
// goes on working as long as after any other rotation.
func TestARotationThatWasStoredAndNotTold(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := notTold(t, overlaps)
		change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, 1, change.Before.Version)
		assert.Equal(t, 2, change.After.Version)
		require.Len(t, change.Warnings, 1)
		assert.Contains(t, change.Warnings[0], "was cut off and is taken up")
		assert.Equal(t, "made-key-1", w.key(t))
		assert.Len(t, w.bank.rotates, 1)
		assert.Equal(t, overlaps, w.bank.alive("first-key"))

		change, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, 3, change.After.Version, "the first one is settled")
		assert.Empty(t, change.Warnings)
	}
}

// The sweep ends it as well, tells of it once, and removes nothing that can be gone back
// to.
func TestTheSweepTellsOfARotationThatWasStored(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := notTold(t, overlaps)
		s := w.Sweeper.Sweep()
		for range 3 {
			step(t, s)
			w.clock.advance(time.Minute)
		}
		assert.Len(t, w.events.of(backend.EventRotate), 1)
		if !overlaps {
			assert.Empty(t, storedKeys(t, w.storage, "rotating/"))
			continue
		}
		_, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, "first-key", w.key(t))
	}
}

// A rotation that could not be finished upstream is finished later, and told of once.
func TestAFinishThatFailsIsRepeated(t *testing.T) {
	w := rotatingWorld(t, &storage{}, false)
	w.bank.hold = func() { w.bank.down = failure(providers.Unreachable) }
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	require.Len(t, storedKeys(t, w.storage, "rotating/"), 1)
	assert.NotContains(t, w.fields(t, "rotating/a"), "fields", "the secret is in the record")
	s := w.Sweeper.Sweep()
	step(t, s)
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	requireCode(t, err, string(providers.Unreachable))
	w.bank.down = nil
	w.clock.advance(time.Minute)
	step(t, s)
	assert.Empty(t, storedKeys(t, w.storage, "rotating/"))
	assert.Len(t, w.events.of(backend.EventRotate), 2, "one that worked and one that was refused")
}

// onCalls is a fault of all calls that begin so.
func onCalls(f fault, prefix string) func(int, string) fault {
	return func(_ int, call string) fault {
		if strings.HasPrefix(call, prefix) {
			return f
		}
		return works
	}
}

// Whoever forgets has no credential afterwards to remove with what the engine made before.
func TestForgettingACutOffRotationLeavesNothingUpstream(t *testing.T) {
	for _, f := range []fault{failsBehind, fails} {
		store := &storage{}
		w := rotatingWorld(t, store, true)
		_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		store.reset(onCalls(f, "Put credentials/"))
		_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.Error(t, err)
		store.reset(nil)
		w = w.restarted()
		_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.NotContains(t, w.bank.living, "made-key-1", "%s: what the engine made and replaced is left upstream", f)
	}
}

// What is found of a successor that is in use speaks of it and not of the one before.
func TestAHealthAfterARotationNamesItsVersion(t *testing.T) {
	for name, w := range map[string]*world{"takeUp": cutOff(t, false), "saved": notTold(t, false)} {
		delete(w.bank.living, "made-key-1")
		change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assessed, err := w.Watch.Health(t.Context(), "a")
		require.NoError(t, err)
		t.Logf("%s: version %d, health: %s; warnings: %q", name, change.After.Version, assessed.Health.Message, change.Warnings)
		assert.NotContains(t, assessed.Health.Message, "version 1 stays in use", name)
		assert.NotContains(t, assessed.Health.Message, "nothing was stored", name)
	}
}

// A note that could not be stored is stored later, and tells nothing again.
func TestARotationIsToldOnce(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, true)
	puts := 0
	store.reset(func(_ int, call string) fault {
		if call == "Put rotating/a" {
			if puts++; puts == 3 { // the note
				return fails
			}
		}
		return works
	})
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	store.reset(nil)
	step(t, w.Sweeper.Sweep())
	assert.Len(t, w.events.of(backend.EventRotate), 1)
}

// Without a rollback window a person can still enter the key before again, while it lives.
func TestFinishingEndsNoKeyThatAPersonWentBackTo(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, true)
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"rollback_window": 0}}))
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{}) // made-key-1
	require.NoError(t, err)
	store.wrote = func(e *logical.StorageEntry) {
		if e.Key == "credentials/a" {
			w.bank.down = failure(providers.Unreachable)
		}
	}
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{}) // made-key-2; made-key-1 cannot be revoked now
	require.NoError(t, err)
	store.wrote, w.bank.down = nil, nil
	require.Equal(t, "made-key-2", w.key(t))
	require.True(t, w.bank.alive("made-key-1"))
	w.reauth(t, backend.Entry{Credential: keyOnly("made-key-1")})
	w.clock.advance(2 * time.Minute)
	step(t, w.Sweeper.Sweep())
	assert.Equal(t, "made-key-1", w.key(t))
	assert.True(t, w.bank.alive("made-key-1"), "the engine revoked the key in use")
}

// An entry that cannot be read is nothing to take up for whoever forgets or rotates.
func TestARotationThatCannotBeReadStandsInNobodysWay(t *testing.T) {
	for name, act := range map[string]func(*world) error{
		"forget": func(w *world) error { return of(w.Swaps.Forget(t.Context(), "a", backend.Actor{})) },
		"rotate": func(w *world) error { return of(w.Swaps.Rotate(t.Context(), "a", backend.Actor{})) },
	} {
		store := &storage{}
		w := rotatingWorld(t, store, true)
		require.NoError(t, store.Put(t.Context(), &logical.StorageEntry{Key: "rotating/a", Value: []byte("not JSON")}))
		require.NoError(t, act(w.restarted()), name)
	}
}

// A person was faster than the sweep: nobody ever had the successor.
func TestASuccessorThatNobodyHasIsGivenUp(t *testing.T) {
	w := cutOff(t, true)
	w.bank.living["second-key"] = ""
	w.reauth(t, backend.Entry{Credential: keyOnly("second-key")})
	w.clock.advance(2 * time.Minute)
	step(t, w.Sweeper.Sweep())
	assert.Empty(t, storedKeys(t, w.storage, "rotating/"))
	assert.NotContains(t, w.bank.living, "made-key-1", "the successor that nobody has is left upstream")
}

// Whoever goes back before the sweep has noted that the rotation was stored.
func TestARollbackBeforeTheNoteLeavesNoSuccessor(t *testing.T) {
	w := notTold(t, true)
	_, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	for range 3 {
		w.clock.advance(24 * time.Hour)
		step(t, w.Sweeper.Sweep())
	}
	assert.Equal(t, map[string]string{"first-key": ""}, w.bank.living)
}

// Whoever replaces the credential before that.
func TestAReauthBeforeTheNoteLeavesNothingUpstream(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, true)
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	store.reset(onCalls(failsBehind, "Put credentials/"))
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.Error(t, err)
	store.reset(nil)
	w = w.restarted()
	w.bank.living["second-key"] = ""
	w.reauth(t, backend.Entry{Credential: keyOnly("second-key")})
	for range 3 {
		w.clock.advance(24 * time.Hour)
		step(t, w.Sweeper.Sweep())
	}
	assert.NotContains(t, w.bank.living, "made-key-1")
}
