package mounted_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// refusesFor lets the token server refuse every refresh token for a reason.
func (w *world) refusesFor(r providers.Reason) {
	e := failure(providers.Rejected)
	e.Reason = r
	w.server.fails(e)
}

// access is what is stored of the access token of "app".
func (w *world) access(t *testing.T) map[string]any {
	t.Helper()
	current, ok := w.fields(t, "credentials/app")["current"].(map[string]any)
	require.True(t, ok)
	access, ok := current["access"].(map[string]any)
	require.True(t, ok)
	return access
}

// told is what whoever must act reads of "app": at creds/, at rotate/ and as its health.
func (w *world) told(t *testing.T) []string {
	t.Helper()
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	handed := requireCode(t, err, string(providers.Rejected))
	_, err = w.Swaps.Rotate(t.Context(), "app", backend.Actor{})
	rotated := requireCode(t, err, string(providers.Rejected))
	assessed, err := w.Watch.Health(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Status)
	return []string{handed.Message, rotated.Message, assessed.Health.Message}
}

// Why a refresh token was refused is kept with it, and told until a person has consented.
func TestTheReasonOfARefusedRefreshTokenIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(time.Hour)
		w.refusesFor(providers.Reason{Code: providers.ReasonPasswordExpired, Sentence: "the password has expired"})
		_ = w.told(t)
		w = w.restarted()
		for _, text := range w.told(t) {
			assert.Contains(t, text, ": the password has expired; ")
			assert.Contains(t, text, "write to oauth/authorize/app")
		}
		assert.Equal(t, "password_expired", w.access(t)["refused_for"])
		assert.Equal(t, "the password has expired", w.access(t)["refused_why"])

		w.server.fails(nil)
		w.consent(t)
		assert.NotContains(t, w.access(t), "refused_for", "of the one before")
		assert.NotContains(t, w.access(t), "refused_why")
	})
}

// A server that does not tell is not made to.
func TestARefusalWithoutAReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(time.Hour)
		w.server.fails(failure(providers.Rejected))
		told := w.told(t)
		assert.Contains(t, told[0], "refused the refresh token on "+w.clock.now().UTC().Format(time.RFC3339)+"; a person must consent again")
		assert.Contains(t, told[2], "refused the refresh token; write to oauth/authorize/app")
		assert.NotContains(t, w.access(t), "refused_for")
	})
}

// What an earlier version stored of a refusal has no reason, and is served as it was.
func TestARefusalThatAnEarlierVersionStored(t *testing.T) {
	w := withApp(t, &storage{})
	w.clock.advance(time.Hour)
	w.edited(t, "credentials/app", func(current map[string]any) {
		current["access"].(map[string]any)["refused_at"] = "2026-11-30T12:00:00Z" //nolint:forcetypeassert // a test
	})
	told := w.told(t)
	assert.Contains(t, told[0], "refused the refresh token on 2026-11-30T12:00:00Z; a person must consent again")
	assert.Contains(t, told[2], "refused the refresh token; write to oauth/authorize/app")
	_, refreshes := w.server.asked()
	assert.Zero(t, refreshes, "it is not asked again")
}

// A reason that repeats what was sent is neither stored nor told.
func TestAReasonThatRepeatsASecret(t *testing.T) {
	for _, secret := range []string{"refresh-1", "client-secret-1", "access-1"} {
		synctest.Test(t, func(t *testing.T) {
			store := &storage{}
			w := withApp(t, store)
			w.clock.advance(time.Hour)
			w.refusesFor(providers.Reason{Code: providers.ReasonRevoked, Sentence: "it says " + secret})
			for _, text := range w.told(t) {
				assert.NotContains(t, text, secret)
			}
			assert.NotContains(t, fmt.Sprint(w.access(t)), secret)
		})
	}
}
