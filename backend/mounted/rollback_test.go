package mounted_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

func TestRollback(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	back := func() (*backend.Change, error) {
		return w.Swaps.Rollback(t.Context(), "a", backend.Actor{Via: "rollback/a"})
	}
	_, err := back()
	requireCode(t, err, backend.CodeNothingToRollBack)
	w.reauth(t, entry("mia@example.com", "key-one"))
	_, err = back()
	requireCode(t, err, backend.CodeNothingToRollBack)
	w.reauth(t, entry("mia@example.com", "key-two"))
	w = w.restarted()
	store.reset(nil)
	change, err := back()
	require.NoError(t, err)
	assert.Equal(t, 3, change.After.Version)
	assert.Equal(t, backend.CauseRollback, change.After.History[0].Cause)
	assert.Equal(t, "key-one", w.restarted().key(t))
	assert.Len(t, w.events.of(backend.EventRollback), 1)
	_, err = back()
	require.NoError(t, err)
	assert.Equal(t, "key-two", w.key(t), "and forward again")
}

// The credential before is checked like any other.
func TestRollbackToADeadCredential(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key-one"))
	w.reauth(t, entry("mia@example.com", "key-two"))
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		assert.Equal(t, "key-one", cred.Value("key").Reveal())
		return providers.Verified{}, failure(providers.Rejected)
	})
	_, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	refused := requireCode(t, err, "credential_rejected")
	assert.Contains(t, refused.Message, "version 2 stays in use")
	assert.Equal(t, "key-two", w.key(t))
}

// Once its time is over, the credential before is gone from storage.
func TestTheCredentialBeforeIsErased(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, w *world){
		"the window is over": func(t *testing.T, w *world) {
			t.Helper()
			w.clock.advance(24 * time.Hour)
			_, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
			requireCode(t, err, backend.CodeNothingToRollBack)
			sweep := w.Sweeper.Sweep()
			require.NoError(t, sweep.Step(t.Context()))
			sweep.Wait()
		},
		"it is forgotten": func(t *testing.T, w *world) {
			t.Helper()
			_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
			require.NoError(t, err)
		},
		"another one is before": func(t *testing.T, w *world) {
			t.Helper()
			w.reauth(t, entry("mia@example.com", "a-third-key"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := &storage{}
			w := newWorld(store)
			w.create(t, "a", "key")
			w.reauth(t, entry("mia@example.com", "canary-first"))
			w.reauth(t, entry("mia@example.com", "the-second-key"))
			raw := func() string {
				stored, err := store.Get(t.Context(), "credentials/a")
				require.NoError(t, err)
				return string(stored.Value)
			}
			require.Contains(t, raw(), "canary-first")
			act(t, w)
			assert.NotContains(t, raw(), "canary-first")
		})
	}
}

func TestWithoutAWindowNothingIsKept(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"rollback_window": 0}}))
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "canary-first"))
	w.reauth(t, entry("mia@example.com", "the-second-key"))
	stored, err := store.Get(t.Context(), "credentials/a")
	require.NoError(t, err)
	assert.NotContains(t, string(stored.Value), "canary-first")
}

// A group goes back as one.
func TestRollbackOfAGroup(t *testing.T) {
	w := withGroup(t, &storage{})
	_, err := w.Swaps.Reauth(t.Context(), "b", entry("mia@example.com", "new"), backend.Actor{})
	require.NoError(t, err)
	change, err := w.Swaps.Rollback(t.Context(), "c", backend.Actor{})
	require.NoError(t, err)
	assert.Len(t, change.Siblings, 2)
	for _, name := range []string{"a", "b", "c"} {
		key, version := keyOf(t, w, name)
		assert.Equal(t, "old", key)
		assert.Equal(t, 3, version)
	}
}
