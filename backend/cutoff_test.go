package backend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// cutOff is a world in which a rotation ended before its successor could be swapped in.
func cutOff(t *testing.T, overlaps bool) *world {
	t.Helper()
	store := &storage{}
	w := rotatingWorld(t, store, overlaps)
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put credentials/") {
			return fails
		}
		return works
	})
	_, err := w.Watch.Rotate(t.Context(), "a", backend.Actor{})
	require.Error(t, err)
	store.reset(nil)
	return w.restarted()
}

// Forgetting takes up a rotation that was cut off, and goes on from what came of it.
func TestForgettingACutOffRotationGoesForward(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := cutOff(t, overlaps)
		change, err := w.Credentials.Forget(t.Context(), "a", backend.Actor{})
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
		_, err := w.Credentials.Forget(t.Context(), "a", backend.Actor{})
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
	change, err := w.Watch.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, 2, change.After.Version)
	assert.Equal(t, "made-key-2", w.key(t))
}
