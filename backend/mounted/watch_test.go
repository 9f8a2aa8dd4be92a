package mounted_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// What a check finds, and what it makes of the status.
func TestStatusOfOutcomes(t *testing.T) {
	for outcome, want := range map[providers.Outcome]backend.Status{
		"":                          backend.StatusHealthy,
		providers.Rejected:          backend.StatusNeedsReauth,
		providers.InsufficientScope: backend.StatusDegraded,
		providers.IdentityMismatch:  backend.StatusDegraded,
		providers.SSORequired:       backend.StatusDegraded,
		providers.CaptchaRequired:   backend.StatusDegraded,
		providers.AccountBlocked:    backend.StatusDegraded,
		providers.RateLimited:       backend.StatusDegraded,
		providers.Unreachable:       backend.StatusUnreachable,
		providers.UpstreamError:     backend.StatusUnreachable,
		providers.AddressNotAllowed: backend.StatusUnreachable,
	} {
		t.Run(string(outcome)+" is "+string(want), func(t *testing.T) {
			w := newWorld(&storage{})
			w.create(t, "a", "key")
			w.reauth(t, entry("mia@example.com", "key"))
			if outcome != "" {
				w.upstream.refuses(failure(outcome))
			}
			w.clock.advance(time.Hour)
			assessed, err := w.Watch.Check(t.Context(), "a")
			require.NoError(t, err)
			assert.Equal(t, want, assessed.Health.Status)
			assert.Equal(t, string(outcome), assessed.Health.Code)
			assert.Equal(t, w.clock.now(), assessed.Health.CheckedAt)
			again := w.restarted().status(t, "a")
			assert.Equal(t, want, again, "it survives a restart")
		})
	}
}

// A check that could not tell takes back no verdict.
func TestCouldNotTellTakesNothingBack(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key"))
	check := func(o providers.Outcome) backend.Status {
		w.upstream.answers(nil)
		if o != "" {
			w.upstream.refuses(failure(o))
		}
		assessed, err := w.Watch.Check(t.Context(), "a")
		require.NoError(t, err)
		return assessed.Health.Status
	}
	assert.Equal(t, backend.StatusUnreachable, check(providers.Unreachable))
	assert.Equal(t, backend.StatusNeedsReauth, check(providers.Rejected))
	assert.Equal(t, backend.StatusNeedsReauth, check(providers.Unreachable))
	assert.Equal(t, backend.StatusNeedsReauth, check(providers.UpstreamError))
	assert.Equal(t, backend.StatusHealthy, check(""))
	assert.Equal(t, backend.StatusDegraded, check(providers.InsufficientScope))
	assert.Equal(t, backend.StatusDegraded, check(providers.Unreachable))
	w.upstream.answers(nil)
	w.reauth(t, entry("mia@example.com", "another"))
	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
}

// An end that a person entered can be wrong; one that nobody contradicts counts.
func TestEndsThatWereEntered(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	e := entry("mia@example.com", "key")
	e.ExpiresAt = w.clock.now().Add(time.Hour)
	w.reauth(t, e)
	assert.Equal(t, backend.StatusExpiring, w.status(t, "a"))
	w.clock.advance(2 * time.Hour)
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"))
	assessed, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusExpiring, assessed.Health.Status)
	assert.Contains(t, assessed.Health.Message, "still takes")
}

// A credential that is replaced while it is checked is not blamed for the one before.
func TestACheckOfACredentialThatIsReplaced(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		if cred.Value("key").Reveal() != "old" {
			return providers.Verified{Identity: "mia@example.com"}, nil
		}
		w.reauth(t, entry("mia@example.com", "new"))
		return providers.Verified{}, failure(providers.Rejected)
	})
	assessed, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusHealthy, assessed.Health.Status)
	assert.Equal(t, 2, assessed.Record.Version)
}

// Each storage call of a check is refused in turn; the next check mends it. What was
// found is known even if it could not be stored.
func TestStorageFaultsOfAFinding(t *testing.T) {
	for at := 1; ; at++ {
		store := &storage{}
		w := newWorld(store)
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "key"))
		w.upstream.refuses(failure(providers.InsufficientScope))
		w = w.restarted()
		failed := false
		store.reset(func(n int, _ string) fault {
			if n == at {
				failed = true
				return fails
			}
			return works
		})
		found, err := w.Watch.Check(t.Context(), "a")
		write := failed && strings.HasPrefix(store.made()[at-1], "Put ")
		assert.Equal(t, failed && !write, err != nil, "storage call %d", at)
		if write {
			assert.Equal(t, backend.StatusDegraded, found.Health.Status)
			assert.Len(t, w.Faults("a"), 1)
		}
		store.reset(nil)
		assessed, err := w.Watch.Check(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusDegraded, assessed.Health.Status)
		assert.Equal(t, backend.StatusDegraded, w.restarted().status(t, "a"), "it is stored")
		assert.Empty(t, w.Faults("a"))
		if !failed {
			return
		}
	}
}
