package mounted_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Vault's client sends a request again that was answered with a 502. The person must
// read why, and not that the state was used.
func TestARequestThatIsSentAgainIsToldTheSame(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, _ := w.authorize(t, "app")
	w.server.fails(failure(providers.UpstreamError))
	finish := func(code string) error {
		_, err := w.Swaps.Reauth(t.Context(), "app", returned(state, code), backend.Actor{})
		return err
	}
	requireCode(t, finish("code"), "upstream_error")
	requireCode(t, finish("code"), "upstream_error")
	requireCode(t, finish("another"), backend.CodeOAuthStateInvalid)
	exchanges, _ := w.server.asked()
	assert.Equal(t, 1, exchanges)
	w.clock.advance(time.Minute)
	requireCode(t, finish("code"), backend.CodeOAuthStateInvalid)
}

// A hostile upstream repeats what it was sent, or what another one issued.
func TestNoSecretComesBackFromTheUpstream(t *testing.T) {
	for _, echo := range []string{"access-1", "refresh-1", "client-secret-1"} {
		w := newWorld(&storage{})
		w.app(t, "app")
		w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
			return providers.Verified{Identity: "mia " + echo, AccountID: "1"}, nil
		})
		state, _ := w.authorize(t, "app")
		_, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
		refused := requireCode(t, err, "upstream_error")
		assert.NotContains(t, refused.Message, echo)
	}
	w := newWorld(&storage{})
	w.app(t, "app")
	w.server.scopes = []string{"account", "client-secret-1", "refresh-1", "the-code-of-the-test"}
	state, _ := w.authorize(t, "app")
	change, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "the-code-of-the-test"), backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, []string{"account"}, change.After.Current.Scopes)
	w.server.scopes = []string{"account", "client-secret-1", "refresh-2"}
	w.clock.advance(time.Hour)
	_ = w.token(t)
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, []string{"account"}, record.Current.Scopes)
}

// Something else holds the lock for nearly as long as a refresh may take.
func TestWaitingTakesNothingOffARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		state, _ := w.authorize(t, "app")
		w.clock.advance(9 * time.Minute)
		w.server.hold = func(context.Context) { time.Sleep(115 * time.Second) }
		go func() {
			_, _ = w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
		}()
		synctest.Wait()
		w.clock.advance(time.Hour)
		time.Sleep(time.Second)
		w.server.mu.Lock()
		w.server.hold = func(ctx context.Context) {
			time.Sleep(20 * time.Second)
			assert.NoError(t, ctx.Err(), "it has all of its time")
		}
		w.server.mu.Unlock()
		assert.NotEmpty(t, w.token(t))
	})
}

// sharedBrowser is a browser all of whose integrations share one credential.
type sharedBrowser struct{ browser }

var _ providers.Sharer = sharedBrowser{}

func (b sharedBrowser) Spec() providers.Spec {
	spec := b.browser.Spec()
	spec.Name = "shared"
	return spec
}

func (sharedBrowser) SharedBy(providers.Target) map[string]string {
	return map[string]string{"all": "one"}
}

// One of those that share a credential has a wrong client secret: that is held against
// nobody else.
func TestASiblingWithAWrongClientSecret(t *testing.T) {
	w := newWorld(&storage{})
	add := func(name, secret string) {
		s := texts("client_id", "engine", "redirect_uri", "https://vault.example.com/callback")
		s.Secrets["client_secret"] = providers.NewSecret(secret)
		require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "shared", AuthType: "oauth", Settings: s}))
	}
	add("app", "client-secret-1")
	w.consent(t)
	add("stale", "client-secret-0")
	w.server.refuses = "client-secret-0"
	w.clock.advance(time.Hour)
	_, err := w.Handouts.HandOut(t.Context(), "stale", backend.DefaultResource, backend.Actor{}, nil)
	refused := requireCode(t, err, "invalid_field")
	assert.Equal(t, "stale", refused.Integration)
	assert.Equal(t, "access-2", w.token(t))
	out, err := w.Handouts.HandOut(t.Context(), "stale", backend.DefaultResource, backend.Actor{}, nil)
	require.NoError(t, err, "which is good for all")
	assert.Equal(t, "access-2", out.Record.Current.Credential.Value("access_token").Reveal())
}

// One of those that share a credential has no client secret yet: it can read the
// credential and not renew it.
func TestASiblingWithoutAClientSecret(t *testing.T) {
	w := newWorld(&storage{})
	add := func(name string, secrets map[string]providers.Secret) {
		s := texts("client_id", "engine", "redirect_uri", "https://vault.example.com/callback")
		s.Secrets = secrets
		require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "shared", AuthType: "oauth", Settings: s}))
	}
	read := func() error {
		return of(w.Handouts.HandOut(t.Context(), "bare", backend.DefaultResource, backend.Actor{}, nil))
	}
	add("app", map[string]providers.Secret{"client_secret": providers.NewSecret("client-secret-1")})
	add("bare", nil)
	requireCode(t, of(w.Consents.Authorize(t.Context(), "bare", backend.Actor{})), backend.CodeMissingField)
	w.consent(t)
	require.NoError(t, read())
	w.clock.advance(time.Hour)
	refused := requireCode(t, read(), backend.CodeMissingField)
	assert.Equal(t, []string{"client_secret"}, refused.Fields)
	assessed, err := w.Watch.Check(t.Context(), "bare")
	require.NoError(t, err)
	assert.Equal(t, backend.CodeMissingField, assessed.Health.Code)
	_, refreshes := w.server.asked()
	assert.Zero(t, refreshes)
	w.token(t)
	require.NoError(t, read(), "which is good for all")
}

// An authorization that could not be stored leaves nothing behind in memory: the list of
// the open ones is known again after the next look.
func TestAnAuthorizationThatCouldNotBeStored(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	down := func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put oauth/") || strings.HasPrefix(call, "Get oauth/") {
			return fails
		}
		return works
	}
	store.reset(down)
	require.Error(t, of(w.Consents.Authorize(t.Context(), "app", backend.Actor{})))
	store.reset(nil)
	require.NoError(t, w.Consents.SweepFlows(t.Context()))
	store.reset(nil)
	require.NoError(t, w.Consents.SweepFlows(t.Context()))
	assert.Empty(t, store.made())
}

func TestAnUnreadableFlowStandsInNobodysWay(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	require.NoError(t, store.Put(t.Context(), &logical.StorageEntry{Key: "oauth/abc", Value: []byte("x")}))
	_, _ = w.authorize(t, "app")
	left, err := store.Get(t.Context(), "oauth/abc")
	require.NoError(t, err)
	assert.Nil(t, left)
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Get oauth/") {
			return fails
		}
		return works
	})
	require.Error(t, w.restarted().Consents.SweepFlows(t.Context()), "a storage that fails is another thing")
	store.reset(nil)
	keys, err := store.List(t.Context(), "oauth/")
	require.NoError(t, err)
	assert.Len(t, keys, 1)
}

func TestCloseWaitsForAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(&storage{})
		w.app(t, "app")
		state, _ := w.authorize(t, "app")
		w.server.hold = func(context.Context) { time.Sleep(3 * time.Second) }
		go func() {
			_, _ = w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
		}()
		synctest.Wait()
		w.Close()
		assert.Equal(t, "access-1", w.restarted().token(t))
		_, err := w.Consents.Authorize(t.Context(), "app", backend.Actor{})
		require.NoError(t, err)
	})
}

// A clock that ran ahead when the token was issued does not make it live for ever.
func TestAClockThatRanAhead(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	w.clock.advance(365 * 24 * time.Hour)
	w.consent(t)
	w.clock.advance(-365 * 24 * time.Hour)
	assert.Equal(t, "access-2", w.token(t))
	assert.Equal(t, "access-2", w.token(t))
}

// An authorization belongs to the integration that it was begun for, and not to
// another that is made under its name.
func TestAnAuthorizationEndsWithItsIntegration(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, _ := w.authorize(t, "app")
	require.NoError(t, w.Integrations.Delete(t.Context(), "app"))
	w.app(t, "app")
	_, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
	requireCode(t, err, backend.CodeOAuthStateInvalid)
}

// What could not be stored is not stored over what came after it.
func TestAKeptGrantIsOfItsVersion(t *testing.T) {
	store := &storage{}
	w := withApp(t, store)
	w.server.sameRefreshToken = true
	w.clock.advance(time.Hour)
	failsAfterFirstPut(store)
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	require.Error(t, err)
	store.reset(nil)
	assert.Equal(t, 2, w.consent(t).After.Version)
	w.clock.advance(time.Hour)
	_ = w.token(t)
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, 2, record.Version)
}

// Only a refresh that may have been carried out leaves a mark.
func TestWhatAnInterruptedRefreshIsBlamedFor(t *testing.T) {
	for outcome, blamed := range map[providers.Outcome]bool{
		providers.RateLimited: false, providers.InvalidField: false, providers.Unreachable: true, providers.UpstreamError: true,
	} {
		w := withApp(t, &storage{})
		w.clock.advance(time.Hour)
		w.server.fails(failure(outcome))
		_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
		requireCode(t, err, string(outcome))
		w.clock.advance(5 * time.Second)
		w.server.fails(failure(providers.Rejected))
		_, err = w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
		refused := requireCode(t, err, "credential_rejected")
		assert.Equal(t, blamed, strings.Contains(refused.Message, "lost"), outcome)
	}
}

func TestARefreshDoesNotDriveAPersonOutOfTheHistory(t *testing.T) {
	w := newWorld(&storage{})
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"history_limit": 1}}))
	w.app(t, "app")
	w.consent(t)
	w.clock.advance(time.Hour)
	assert.Equal(t, "access-2", w.token(t))
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	require.Len(t, record.History, 1)
	assert.Equal(t, backend.CauseReauth, record.History[0].Cause)
}

func TestAuthorizeOfAnAppThatHasNoCredential(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "installed", "app")
	_, err := w.Consents.Authorize(t.Context(), "installed", backend.Actor{})
	refused := requireCode(t, err, backend.CodeReauthUnsupported)
	assert.Contains(t, refused.Message, "install the app again")

	w.app(t, "app")
	w.server.uncallable = failure(providers.AddressNotAllowed)
	_, err = w.Consents.Authorize(t.Context(), "app", backend.Actor{})
	requireCode(t, err, "address_not_allowed")
}

var errPanic = errors.New("access-1 is in this panic")

func TestAPanicOfTheClientIsNoVerdict(t *testing.T) {
	w := withApp(t, &storage{})
	w.clock.advance(time.Hour)
	w.server.hold = func(context.Context) { panic(errPanic) }
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	refused := requireCode(t, err, "upstream_error")
	assert.NotContains(t, fmt.Sprint(refused), "panic")
}

// A refresh that ended without an answer left its mark: the next one proves again that
// storage takes writes.
func TestNoRefreshIsSentWithoutStorage(t *testing.T) {
	store := &storage{}
	w := withApp(t, store)
	w.clock.advance(time.Hour)
	w.server.fails(failure(providers.Unreachable))
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	require.Error(t, err)
	w.server.fails(nil)
	w.clock.advance(10 * time.Second)
	_, before := w.server.asked()
	store.reset(onCalls(fails, "Put "))
	_, err = w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, func() bool { return true })
	t.Log(err)
	_, after := w.server.asked()
	assert.Equal(t, before, after, "the refresh token was sent although storage takes no writes")
}
