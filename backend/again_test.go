package backend_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
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
