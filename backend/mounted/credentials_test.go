package mounted_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

func TestReauthSwapsInAVerifiedCredential(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")

	first := w.reauth(t, entry("mia@example.com", "k1"))
	assert.Equal(t, 0, first.Before.Version)
	assert.Equal(t, 1, first.After.Version)
	assert.Empty(t, first.Warnings)

	second := w.reauth(t, entry("mia@example.com", "k2"))
	assert.Equal(t, 2, second.After.Version)
	assert.False(t, second.IdentityChanged)
	assert.NotEqual(t, first.After.Current.Fingerprint, second.After.Current.Fingerprint)
	assert.Equal(t, "k2", w.key(t))
	assert.Equal(t, "k2", w.restarted().key(t), "what is cached is what is stored")
}

func TestReauthKeepsTheOldCredentialWhateverTheCheckSays(t *testing.T) {
	for _, outcome := range []providers.Outcome{
		providers.Rejected, providers.IdentityMismatch, providers.InsufficientScope, providers.SSORequired,
		providers.CaptchaRequired, providers.AccountBlocked, providers.RateLimited, providers.Unreachable,
		providers.UpstreamError, providers.AddressNotAllowed, providers.InvalidField,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			w := newWorld(&logical.InmemStorage{})
			w.create(t, "a", "key")
			w.reauth(t, entry("mia@example.com", "old"))
			w.upstream.refuses(&providers.Error{Outcome: outcome, Provider: "Fake", Detail: "no", Missing: []string{"x"}, RetryAfter: 90 * time.Second})

			_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})

			refusal := requireCode(t, err, string(outcome))
			assert.Regexp(t, "^Fake: no; .*version 1 stays in use$", refusal.Message)
			assert.Equal(t, []string{"x"}, refusal.Missing)
			assert.Equal(t, int64(90), refusal.RetryAfter)
			assert.Equal(t, "old", w.key(t))
			assert.Equal(t, "old", w.restarted().key(t))
		})
	}
}

func TestReauthNamesTheBadTokensOfAPoolByFingerprint(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "pool")
	good := w.reauth(t, pool("t1", "t2", "t3")).After.Current
	w.upstream.refuses(&providers.Error{Outcome: providers.Rejected, Detail: "no", Bad: []providers.BadMember{
		{Position: 2, Outcome: providers.Rejected}, {Position: 3, Outcome: providers.SSORequired},
	}})

	_, err := w.Swaps.Reauth(t.Context(), "a", pool("t1", "t2", "t3"), backend.Actor{})

	refusal := requireCode(t, err, "credential_rejected")
	require.Len(t, refusal.Members, 2)
	assert.Equal(t, backend.RefusedMember{Position: 2, Fingerprint: good.Members[1].Fingerprint, Code: "credential_rejected"}, refusal.Members[0])
	assert.Equal(t, "sso_required", refusal.Members[1].Code)
	assert.NotContains(t, fmt.Sprintf("%+v", refusal), "t2")
}

func TestFingerprintOfAPoolOfOneIsThatOfItsToken(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "pool")
	one := w.reauth(t, pool("t1")).After.Current
	assert.Equal(t, one.Members[0].Fingerprint, one.Fingerprint)
	two := w.reauth(t, pool("t1", "t2")).After.Current
	assert.Equal(t, one.Fingerprint, two.Members[0].Fingerprint, "a token keeps its fingerprint")
	assert.NotEqual(t, one.Fingerprint, two.Fingerprint)

	other := newWorld(&logical.InmemStorage{})
	other.create(t, "a", "pool")
	assert.NotEqual(t, one.Fingerprint, other.reauth(t, pool("t1")).After.Current.Fingerprint, "another mount, another key")
}

func TestReauthOfAnUnknownOrUnsupportedIntegration(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	_, err := w.Swaps.Reauth(t.Context(), "nobody", entry("a@b", "k"), backend.Actor{})
	requireCode(t, err, backend.CodeUnknownIntegration)

	w.create(t, "app", "app")
	_, err = w.Swaps.Reauth(t.Context(), "app", backend.Entry{}, backend.Actor{})
	assert.Contains(t, requireCode(t, err, backend.CodeReauthUnsupported).Message, "install the app again")
}

func TestChangedAccount(t *testing.T) {
	t.Run("is a warning", func(t *testing.T) {
		w := newWorld(&logical.InmemStorage{})
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "k1"))
		change := w.reauth(t, entry("noa@example.com", "k2"))
		assert.True(t, change.IdentityChanged)
		assert.Equal(t, []string{`the account changed from "mia@example.com" to "noa@example.com"`}, change.Warnings)
	})
	t.Run("is refused where it is pinned, also after the credential was forgotten", func(t *testing.T) {
		w := newWorld(&logical.InmemStorage{})
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "k1"))
		pin := providers.Settings{Flags: map[string]bool{"pin_identity": true}}
		require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: pin}))
		_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		_, err = w.Swaps.Reauth(t.Context(), "a", entry("noa@example.com", "k2"), backend.Actor{})
		requireCode(t, err, backend.CodeIdentityPinned)
		assert.Equal(t, 2, w.reauth(t, entry("mia@example.com", "k3")).After.Version)
	})
	t.Run("is not one if only the name changed", func(t *testing.T) {
		w := newWorld(&logical.InmemStorage{})
		w.create(t, "a", "key")
		w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
			return providers.Verified{Identity: cred.Value("email").Reveal(), AccountID: "42"}, nil
		})
		w.reauth(t, entry("mia@example.com", "k1"))
		assert.False(t, w.reauth(t, entry("mia.new@example.com", "k2")).IdentityChanged)
	})
}

func TestExpiry(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	soon, later := w.clock.now().Add(3*24*time.Hour), w.clock.now().Add(300*24*time.Hour)

	e := entry("mia@example.com", "k1")
	e.ExpiresAt = soon
	change := w.reauth(t, e)
	assert.Equal(t, []string{"the credential expires on 2027-01-05T03:04:05Z, in 3 days"}, change.Warnings)

	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia@example.com", ExpiresAt: later}, nil
	})
	change = w.reauth(t, e)
	assert.NotContains(t, fmt.Sprint(change.Warnings), "expires")
	assert.Equal(t, later, change.After.Current.ExpiresAt, "what upstream says wins over what was entered")

	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
	w.clock.advance(later.Add(-time.Hour).Sub(w.clock.now()))
	assert.Equal(t, backend.StatusExpiring, w.status(t, "a"))
	w.clock.advance(time.Hour)
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"))
	w.create(t, "b", "key")
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "b"))
}

func TestForgetErasesTheSecretAndKeepsTheCounter(t *testing.T) {
	store := &logical.InmemStorage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "canary-secret"))

	change, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{Via: "creds/a"})
	require.NoError(t, err)
	assert.Equal(t, 1, change.After.Version)
	assert.Empty(t, w.key(t))
	raw, err := store.Get(t.Context(), "credentials/a")
	require.NoError(t, err)
	assert.NotContains(t, string(raw.Value), "canary-secret")
	assert.Equal(t, backend.CauseForget, change.After.History[0].Cause)

	again, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Len(t, again.After.History, 2, "forgetting twice is one change")
	assert.Equal(t, 2, w.reauth(t, entry("mia@example.com", "k2")).After.Version)
}

func TestHistoryHasTheNewestFirstAndIsBounded(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"history_limit": 3}}))
	w.create(t, "a", "key")
	for i := range 5 {
		w.clock.advance(time.Minute)
		w.reauth(t, entry("mia@example.com", fmt.Sprint("k", i)))
	}
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, record.History, 3)
	assert.Equal(t, 5, record.History[0].Version)
	assert.Equal(t, 3, record.History[2].Version)
	assert.Equal(t, "reauth/a", record.History[0].Via)
}

func TestValidateStoresNothing(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	store.reset(nil)
	change, err := w.Credentials.Validate(t.Context(), "a", entry("mia@example.com", "k1"))
	require.NoError(t, err)
	assert.Equal(t, "mia@example.com", change.After.Current.Identity)
	for _, call := range store.made() {
		assert.True(t, strings.HasPrefix(call, "Get "), call)
	}
	assert.Empty(t, w.key(t))
}

func TestReauthIsOnePutAndWritesCredentialsOnly(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "k1"))

	store.reset(nil)
	w.reauth(t, entry("mia@example.com", "k2"))
	assert.Equal(t, []string{"Put credentials/a"}, store.made(), "warm: one Put and nothing else")

	store.reset(nil)
	w.key(t)
	assert.Empty(t, store.made(), "a warm read touches no storage")
}

func TestParallelReauthsAreSerialisedAndReadersSeePairs(t *testing.T) {
	const writers, readers = 32, 4
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("0@example.com", "key of 0@example.com"))

	var done atomic.Bool
	var reading, writing sync.WaitGroup
	for range readers {
		reading.Go(func() {
			for !done.Load() {
				_, record, err := w.Credentials.Read(context.Background(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				cred := record.Current.Credential
				assert.Equal(t, "key of "+cred.Value("email").Reveal(), cred.Value("key").Reveal())
			}
		})
	}
	var versions sync.Map
	for i := range writers {
		writing.Go(func() {
			email := fmt.Sprintf("%d@example.com", i+1)
			change, err := w.Swaps.Reauth(context.Background(), "a", entry(email, "key of "+email), backend.Actor{})
			if assert.NoError(t, err) {
				versions.Store(change.After.Version, true)
				assert.Equal(t, change.Before.Version+1, change.After.Version)
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	for v := 2; v <= writers+1; v++ {
		_, ok := versions.Load(v)
		assert.True(t, ok, "version %d", v)
	}
}

func TestReadersDoNotWaitForUpstreamAndWritersGiveUpWithTheirContext(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	asked, release := make(chan struct{}), make(chan struct{})
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		close(asked)
		<-release
		return providers.Verified{Identity: "mia@example.com"}, nil
	})
	finished := make(chan error, 1)
	go func() {
		_, err := w.Swaps.Reauth(context.Background(), "a", entry("mia@example.com", "new"), backend.Actor{})
		finished <- err
	}()
	<-asked

	assert.Equal(t, "old", w.key(t))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "third"), backend.Actor{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, w.Integrations.Delete(ctx, "a"), context.DeadlineExceeded)

	close(release)
	require.NoError(t, <-finished)
	assert.Equal(t, "new", w.key(t))
}

func TestIntegrationDeletedWhileWaitingIsNotReauthenticated(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	asked, release := make(chan struct{}, 2), make(chan struct{})
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		asked <- struct{}{}
		<-release
		return providers.Verified{}, &providers.Error{Outcome: providers.Rejected, Detail: "no"}
	})
	results := make(chan error, 2)
	go func() {
		_, err := w.Swaps.Reauth(context.Background(), "a", entry("mia@example.com", "k1"), backend.Actor{})
		results <- err
	}()
	<-asked
	go func() { results <- w.Integrations.Delete(context.Background(), "a") }()
	close(release)
	err1, err2 := <-results, <-results
	if err1 == nil {
		err1, err2 = err2, err1
	}
	require.NoError(t, err2)
	requireCode(t, err1, "credential_rejected")
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "k1"), backend.Actor{})
	requireCode(t, err, backend.CodeUnknownIntegration)
}

func TestNothingPrintsASecret(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	e := entry("mia@example.com", "canary-secret")
	change := w.reauth(t, e)
	w.upstream.refuses(&providers.Error{Outcome: providers.Rejected, Detail: "no"})
	_, err := w.Swaps.Reauth(t.Context(), "a", e, backend.Actor{})
	for _, v := range []any{e, change, change.After, change.After.Current, *change.After.Current, err} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			assert.NotContains(t, fmt.Sprintf(format, v), "canary-secret")
		}
		encoded, _ := json.Marshal(v)
		assert.NotContains(t, string(encoded), "canary-secret")
	}
}

// An upstream that names an account after the secret it was sent would have it
// written to the history, to answers and to the audit log.
func TestAnUpstreamThatRepeatsTheSecretIsNotBelieved(t *testing.T) {
	for name, v := range map[string]providers.Verified{
		"identity": {Identity: "x canary-secret"},
		"id":       {Identity: "mia", AccountID: "canary-secret"},
		"scopes":   {Identity: "mia", Scopes: []string{"canary-secret"}},
		"warnings": {Identity: "mia", Warnings: []string{"canary-secret"}},
		"members":  {Identity: "mia", Members: []providers.Member{{Identity: "canary-secret"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&logical.InmemStorage{})
			w.create(t, "a", "key")
			w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
				return v, nil
			})
			_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "canary-secret"), backend.Actor{})
			refusal := requireCode(t, err, "upstream_error")
			assert.NotContains(t, refusal.Message, "canary-secret")
		})
	}
}

func TestAnUpstreamThatRepeatsTheSecretInARefusalIsNotQuoted(t *testing.T) {
	basic := base64.StdEncoding.EncodeToString([]byte("mia@example.com:canary-secret"))
	for name, e := range map[string]*providers.Error{
		"address": {Outcome: providers.SSORequired, Provider: "Fake", Detail: "no", URL: "https://fake.example.com/sso?x=canary-secret"},
		"missing": {Outcome: providers.InsufficientScope, Provider: "Fake", Detail: "no", Missing: []string{"canary-secret"}},
		"basic":   {Outcome: providers.Rejected, Provider: "Fake", Detail: "no " + basic},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&logical.InmemStorage{})
			w.create(t, "a", "key")
			w.upstream.refuses(e)
			_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "canary-secret"), backend.Actor{})
			refusal := requireCode(t, err, string(e.Outcome))
			shown := fmt.Sprintf("%+v", refusal)
			assert.NotContains(t, shown, "canary-secret")
			assert.NotContains(t, shown, basic)
		})
	}
}
