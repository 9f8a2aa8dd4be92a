package mounted_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/mounted"
	"vault-plugin-secrets-sei/providers"
)

// browser is a provider with an OAuth client that a test decides about.
type browser struct {
	*upstream
	server *tokenServer
}

var _ providers.Authorizer = browser{}

func (browser) Spec() providers.Spec {
	return providers.Spec{
		Name: "browser", Title: "Browser", DefaultURL: "https://browser.example.com",
		AuthTypes: []providers.AuthType{{
			Name:   "oauth",
			Fields: []providers.Field{{Name: "code", Kind: providers.Token, Required: true}, {Name: "state", Kind: providers.Token, Required: true}},
			Issued: []providers.Field{{Name: "access_token", Kind: providers.Token}},
			Settings: []providers.Field{
				{Name: "client_id", Kind: providers.Text, Required: true, Locates: true},
				{Name: "client_secret", Kind: providers.Token, Required: true, Later: true},
				{Name: "redirect_uri", Kind: providers.URL, Visited: true, Required: true},
			},
		}},
	}
}

func (b browser) OAuth(t providers.Target) (providers.OAuthClient, error) {
	return browserClient{b.server, t}, nil
}

// browserClient sends nothing; what it would send stands in its texts.
type browserClient struct {
	*tokenServer
	target providers.Target
}

func (c browserClient) AuthorizeURL(state, verifier providers.Secret) string {
	return "https://browser.example.com/authorize?state=" + state.Reveal() + "&verifier=" + verifier.Reveal()
}
func (c browserClient) Callable() error     { return c.uncallable }
func (c browserClient) RedirectURI() string { return c.target.Settings.Text("redirect_uri") }

// tokenServer counts what is asked of it, and issues tokens access-N and refresh-N.
type tokenServer struct {
	mu        sync.Mutex
	issued    int
	exchanges []string // code and verifier
	refreshes []string // refresh tokens
	hold      func(context.Context)
	err       error
	// scopes are granted where set; refuses is a client secret that is refused.
	scopes  []string
	refuses string
	// sameRefreshToken is a server that does not rotate.
	sameRefreshToken bool
	uncallable       error
}

func (s *tokenServer) grant(ctx context.Context, note func()) (providers.Grant, error) {
	s.mu.Lock()
	note()
	hold, err := s.hold, s.err
	if err == nil {
		s.issued++
	}
	n := s.issued
	s.mu.Unlock()
	if hold != nil {
		hold(ctx)
	}
	if err != nil {
		return providers.Grant{}, err
	}
	g := providers.Grant{
		AccessToken: providers.NewSecret(fmt.Sprintf("access-%d", n)), RefreshToken: providers.NewSecret(fmt.Sprintf("refresh-%d", n)),
		Life: time.Hour, Scopes: []string{"account"},
	}
	if s.scopes != nil {
		g.Scopes = s.scopes
	}
	if s.sameRefreshToken {
		g.RefreshToken = providers.NewSecret("refresh-1")
	}
	return g, nil
}

func (s *tokenServer) Exchange(ctx context.Context, code, verifier providers.Secret) (providers.Grant, error) {
	return s.grant(ctx, func() { s.exchanges = append(s.exchanges, code.Reveal()+" "+verifier.Reveal()) })
}

func (c browserClient) Refresh(ctx context.Context, token providers.Secret) (providers.Grant, error) {
	if c.refuses != "" && c.target.Settings.Secret("client_secret").Reveal() == c.refuses {
		return providers.Grant{}, failure(providers.InvalidField)
	}
	return c.refresh(ctx, token)
}

func (s *tokenServer) refresh(ctx context.Context, token providers.Secret) (providers.Grant, error) {
	return s.grant(ctx, func() { s.refreshes = append(s.refreshes, token.Reveal()) })
}

func (s *tokenServer) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *tokenServer) asked() (exchanges, refreshes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.exchanges), len(s.refreshes)
}

func failure(o providers.Outcome) *providers.Error {
	return &providers.Error{Outcome: o, Provider: "Browser", Detail: "as the test wants"}
}

// app makes an OAuth integration.
func (w *world) app(t *testing.T, name string) {
	t.Helper()
	s := texts("client_id", "engine", "redirect_uri", "https://vault.example.com/v1/sei/oauth/callback")
	s.Secrets["client_secret"] = providers.NewSecret("client-secret-1")
	require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "browser", AuthType: "oauth", Settings: s}))
}

// authorize begins and returns state and verifier.
func (w *world) authorize(t *testing.T, name string) (state, verifier string) {
	t.Helper()
	begun, err := w.Consents.Authorize(t.Context(), name, backend.Actor{EntityID: "who-began", DisplayName: "mia"})
	require.NoError(t, err)
	state, verifier = queryOf(begun.URL)
	require.Len(t, state, 43)
	return state, verifier
}

// queryOf is what the address of an authorization says.
func queryOf(url providers.Secret) (state, verifier string) {
	query := strings.TrimPrefix(url.Reveal(), "https://browser.example.com/authorize?state=")
	state, verifier, _ = strings.Cut(query, "&verifier=")
	return state, verifier
}

func returned(state, code string) backend.Entry {
	return backend.Entry{Credential: providers.NewCredential(map[string][]providers.Secret{
		"code": {providers.NewSecret(code)}, "state": {providers.NewSecret(state)},
	})}
}

// confirms brings a code back with a browser, is asked, and confirms.
func (w *world) confirms(ctx context.Context, state, code string, who backend.Actor) (*backend.Change, error) {
	back := backend.Returned{State: providers.NewSecret(state), Code: providers.NewSecret(code)}
	asked, err := w.Consents.Ask(ctx, back)
	if err != nil {
		return nil, err
	}
	back.Confirmation = asked.Confirmation
	return w.Swaps.Return(ctx, back, who)
}

// consent re-authenticates integration "app".
func (w *world) consent(t *testing.T) *backend.Change {
	t.Helper()
	state, _ := w.authorize(t, "app")
	change, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{Via: "reauth/app"})
	require.NoError(t, err)
	return change
}

// token is what a worker gets of "app".
func (w *world) token(t *testing.T) string {
	t.Helper()
	out, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{Via: "creds/app"}, nil)
	require.NoError(t, err)
	return out.Record.Current.Credential.Value("access_token").Reveal()
}

func withApp(t *testing.T, store logical.Storage) *world {
	t.Helper()
	w := newWorld(store)
	w.app(t, "app")
	w.consent(t)
	return w
}

func TestAuthorize(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	store.reset(nil)
	begun, err := w.Consents.Authorize(t.Context(), "app", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, "https://vault.example.com/v1/sei/oauth/callback", begun.RedirectURI)
	assert.Equal(t, w.clock.now().Add(10*time.Minute).Truncate(time.Second), begun.ExpiresAt)
	exchanges, _ := w.server.asked()
	assert.Zero(t, exchanges, "nothing is sent")
	puts := 0
	for _, call := range store.made() {
		if strings.HasPrefix(call, "Put ") {
			puts++
			assert.Regexp(t, `^Put oauth/[0-9a-f]{64}$`, call, "the state is not the key, its hash is")
		}
	}
	assert.Equal(t, 1, puts)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", *begun, begun.URL), "state=")

	w.create(t, "plain", "key")
	_, err = w.Consents.Authorize(t.Context(), "plain", backend.Actor{})
	requireCode(t, err, backend.CodeReauthUnsupported)
	_, err = w.Consents.Authorize(t.Context(), "nobody", backend.Actor{})
	requireCode(t, err, backend.CodeUnknownIntegration)
}

func TestConsent(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, verifier := w.authorize(t, "app")
	w = w.restarted() // the leader changed
	change, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code-1"), backend.Actor{Via: "reauth/app"})
	require.NoError(t, err)
	assert.Equal(t, []string{"code-1 " + verifier}, w.server.exchanges)
	assert.Equal(t, 1, change.After.Version)
	assert.Equal(t, []string{"account"}, change.After.Current.Scopes)
	assert.True(t, change.After.Current.ExpiresAt.IsZero(), "it renews itself")
	assert.Equal(t, w.clock.now().Add(time.Hour), change.After.Current.Access.ExpiresAt)
	assert.Equal(t, "access-1", w.token(t))

	_, err = w.Swaps.Reauth(t.Context(), "app", returned(state, "code-2"), backend.Actor{})
	requireCode(t, err, backend.CodeOAuthStateInvalid)
	exchanges, _ := w.server.asked()
	assert.Equal(t, 1, exchanges, "a replay costs no call")
}

func TestReturnNamesWhoBegan(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, _ := w.authorize(t, "app")
	change, err := w.confirms(t.Context(), state, "code", backend.Actor{Via: "oauth/callback", RequestID: "42"})
	require.NoError(t, err)
	assert.Equal(t, backend.Actor{Via: "oauth/callback", EntityID: "who-began", DisplayName: "mia", RequestID: "42"}, change.After.History[0].Actor)
	assert.Equal(t, backend.CauseReauth, change.After.History[0].Cause)
}

// No state but an open one of this integration, as it is configured, leads anywhere.
func TestStates(t *testing.T) {
	secret := func(text string) providers.Settings {
		s := providers.Settings{}.Clone()
		s.Secrets["client_secret"] = providers.NewSecret(text)
		return s
	}
	change := func(t *testing.T, w *world, s providers.Settings) {
		t.Helper()
		require.NoError(t, w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: s}))
	}
	for name, c := range map[string]struct {
		arrange func(t *testing.T, w *world, state string) (name, sent string)
		code    string // "" is success
	}{
		"made up": {func(*testing.T, *world, string) (string, string) { return "app", strings.Repeat("x", 43) }, backend.CodeOAuthStateInvalid},
		"the key": {func(*testing.T, *world, string) (string, string) { return "app", "" }, backend.CodeOAuthStateInvalid},
		"foreign": {func(t *testing.T, w *world, state string) (string, string) {
			t.Helper()
			w.app(t, "other")
			return "other", state
		}, backend.CodeOAuthStateInvalid},
		"too late": {func(_ *testing.T, w *world, state string) (string, string) {
			w.clock.advance(10 * time.Minute)
			return "app", state
		}, backend.CodeOAuthStateInvalid},
		"in time": {func(_ *testing.T, w *world, state string) (string, string) {
			w.clock.advance(10*time.Minute - time.Second)
			return "app", state
		}, ""},
		"of another redirect URI": {func(t *testing.T, w *world, state string) (string, string) {
			t.Helper()
			change(t, w, texts("redirect_uri", "https://vault.example.com/other"))
			return "app", state
		}, backend.CodeOAuthStateInvalid},
		"of another client": {func(t *testing.T, w *world, state string) (string, string) {
			t.Helper()
			s := secret("client-secret-1")
			s.Texts["client_id"] = "other"
			change(t, w, s)
			return "app", state
		}, backend.CodeOAuthStateInvalid},
		"with a renewed client secret": {func(t *testing.T, w *world, state string) (string, string) {
			t.Helper()
			change(t, w, secret("client-secret-2"))
			return "app", state
		}, ""},
		"of a deleted integration": {func(t *testing.T, w *world, state string) (string, string) {
			t.Helper()
			require.NoError(t, w.Integrations.Delete(t.Context(), "app"))
			return "app", state
		}, backend.CodeUnknownIntegration},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			w.app(t, "app")
			state, _ := w.authorize(t, "app")
			name, sent := c.arrange(t, w, state)
			_, err := w.Swaps.Reauth(t.Context(), name, returned(sent, "code"), backend.Actor{})
			if c.code == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, c.code)
			exchanges, _ := w.server.asked()
			assert.Zero(t, exchanges)
			if name == "other" {
				_, err = w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
				require.NoError(t, err, "who tries a foreign state does not use it up")
			}
		})
	}
}

func TestDenied(t *testing.T) {
	for said, code := range map[string]string{
		"access_denied": backend.CodeOAuthDenied, "server_error": "upstream_error", "unauthorized_client": "invalid_field", "<b>": "invalid_field", "invalid_scope": "insufficient_scope",
	} {
		w := newWorld(&storage{})
		w.app(t, "app")
		state, _ := w.authorize(t, "app")
		back := backend.Returned{State: providers.NewSecret(state), Denied: said}
		_, err := w.Swaps.Return(t.Context(), back, backend.Actor{})
		refused := requireCode(t, err, code)
		assert.NotContains(t, refused.Message, said)
		_, err = w.Swaps.Return(t.Context(), back, backend.Actor{})
		requireCode(t, err, backend.CodeOAuthStateInvalid)
	}
}

func TestOpenFlowsAreBounded(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	w.app(t, "other")
	foreign, _ := w.authorize(t, "other")
	var states []string
	for range 101 {
		w.clock.advance(time.Second)
		state, _ := w.authorize(t, "app")
		states = append(states, state)
	}
	open := func() int {
		keys, err := store.List(t.Context(), "oauth/")
		require.NoError(t, err)
		return len(keys)
	}
	assert.Equal(t, 101, open(), "a hundred, and one of the other integration")
	_, err := w.Swaps.Reauth(t.Context(), "app", returned(states[0], "code"), backend.Actor{})
	requireCode(t, err, backend.CodeOAuthStateInvalid)
	_, err = w.Swaps.Reauth(t.Context(), "app", returned(states[1], "code"), backend.Actor{})
	require.NoError(t, err)
	_, err = w.Swaps.Reauth(t.Context(), "other", returned(foreign, "code"), backend.Actor{})
	require.NoError(t, err)

	w.clock.advance(9 * time.Minute)
	require.NoError(t, w.Consents.SweepFlows(t.Context()))
	assert.Less(t, open(), 99)
	w.clock.advance(time.Minute)
	require.NoError(t, w.restarted().Consents.SweepFlows(t.Context()))
	assert.Zero(t, open())
}

// Once the code is used, its result is saved even if nobody listens any more.
func TestAHangUpDoesNotLoseWhatTheCodeWasGoodFor(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	state, _ := w.authorize(t, "app")
	ctx, hangUp := context.WithCancel(t.Context())
	w.server.hold = func(ctx context.Context) {
		hangUp()
		assert.NoError(t, ctx.Err(), "the exchange goes on")
	}
	_, err := w.Swaps.Reauth(ctx, "app", returned(state, "code"), backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, "access-1", w.token(t))
}

func TestARefusedCodeChangesNothing(t *testing.T) {
	w := withApp(t, &storage{})
	for _, o := range []providers.Outcome{providers.Rejected, providers.InvalidField, providers.Unreachable} {
		state, _ := w.authorize(t, "app")
		w.server.fails(failure(o))
		_, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
		refused := requireCode(t, err, string(o))
		assert.Contains(t, refused.Message, "version 1 stays in use")
		assert.Contains(t, refused.Message, "begin again with a write to oauth/authorize/app")
	}
	w.server.fails(nil)
	w.upstream.refuses(failure(providers.InsufficientScope))
	state, _ := w.authorize(t, "app")
	_, err := w.Swaps.Reauth(t.Context(), "app", returned(state, "code"), backend.Actor{})
	refused := requireCode(t, err, "insufficient_scope")
	assert.Contains(t, refused.Message, "version 1 stays in use")
	assert.Equal(t, "access-1", w.token(t))
}

// The check sees the access token alone.
func TestTheRefreshTokenIsSentToNobodyElse(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		assert.Equal(t, []string{"access_token"}, cred.Fields())
		return providers.Verified{Identity: "mia", AccountID: "1"}, nil
	})
	w.consent(t)
}

func TestSecretSettings(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.app(t, "app")
	in, err := w.restarted().Integrations.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, "client-secret-1", in.Settings.Secret("client_secret").Reveal())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", *in, *in, *in), "client-secret-1")
	assert.Contains(t, mounted.SealWrapped(), "integrations/")
	assert.Contains(t, mounted.SealWrapped(), "oauth/")

	write := func(s providers.Settings) error {
		return w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: s})
	}
	refused := requireCode(t, write(texts("client_id", "thief")), backend.CodeMissingField)
	assert.Equal(t, []string{"client_secret"}, refused.Fields, "who moves it has to know it")
	again := texts("client_id", "second")
	again.Secrets["client_secret"] = providers.NewSecret("client-secret-2")
	require.NoError(t, write(again))
	require.NoError(t, write(texts("description", "of another kind")))
	in, err = w.Integrations.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.Equal(t, "client-secret-2", in.Settings.Secret("client_secret").Reveal())

	w.consent(t)
	require.NoError(t, write(again), "nothing of this moves it")
	again.Texts["client_id"] = "third"
	requireCode(t, write(again), backend.CodeCredentialPresent)
}

func TestARefreshIsOneForAllReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storage{}
		w := withApp(t, store)
		w.clock.advance(time.Hour) // it has ended
		w.server.hold = func(context.Context) { time.Sleep(time.Second) }
		store.reset(func(int, string) fault { return works })
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() { assert.Equal(t, "access-2", w.token(t)) })
		}
		readers.Wait()
		assert.Equal(t, []string{"refresh-1"}, w.server.refreshes)
		assert.Equal(t, "access-2", w.restarted().token(t), "it is stored")
		_, record, err := w.Credentials.Read(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, 1, record.Version)
		assert.Equal(t, backend.CauseRefresh, record.History[0].Cause)
		assert.Equal(t, "creds/app", record.History[0].Via)
		assert.Equal(t, record.Current.Fingerprint, record.History[0].Fingerprint)
		assert.NotEqual(t, record.History[1].Fingerprint, record.History[0].Fingerprint)
	})
}

// A refresh is due when less than a fifth of the life remains.
func TestWhenARefreshIsDue(t *testing.T) {
	w := withApp(t, &storage{})
	w.clock.advance(48 * time.Minute)
	assert.Equal(t, "access-1", w.token(t))
	w.clock.advance(time.Second)
	assert.Equal(t, "access-2", w.token(t))
	assert.Equal(t, "access-2", w.token(t))
	for n := range 30 { // which does not drive the history out
		w.clock.advance(59 * time.Minute)
		assert.Equal(t, fmt.Sprintf("access-%d", n+3), w.token(t))
	}
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	require.Len(t, record.History, 2)
	assert.Equal(t, backend.CauseReauth, record.History[1].Cause)
	assert.Equal(t, record.Current.VerifiedAt, record.History[1].Time, "a refresh is no re-authentication")
}

// A living token does not wait for a slow upstream longer than a moment.
func TestASlowRefreshKeepsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(50 * time.Minute)
		w.server.hold = func(context.Context) { time.Sleep(20 * time.Second) }
		begun := time.Now()
		assert.Equal(t, "access-1", w.token(t))
		assert.Equal(t, 5*time.Second, time.Since(begun))
		time.Sleep(15 * time.Second)
		synctest.Wait()
		assert.Equal(t, "access-2", w.token(t), "it went on by itself")
		assert.Equal(t, []string{"refresh-1"}, w.server.refreshes)
	})
}

func TestWhileTheUpstreamIsDown(t *testing.T) {
	w := withApp(t, &storage{})
	w.clock.advance(50 * time.Minute)
	limited := failure(providers.RateLimited)
	limited.RetryAfter = time.Minute
	w.server.fails(limited)
	for range 3 {
		out, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
		require.NoError(t, err)
		assert.Equal(t, "access-1", out.Record.Current.Credential.Value("access_token").Reveal())
		assert.Contains(t, out.Warning, "upstream_rate_limited")
	}
	_, refreshes := w.server.asked()
	assert.Equal(t, 1, refreshes, "the upstream is left alone for as long as it asks")
	w.clock.advance(10 * time.Minute)
	w.server.fails(failure(providers.Unreachable))
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	refused := requireCode(t, err, "upstream_unreachable")
	assert.Contains(t, refused.Message, "version 1 stays in use")
	assert.NotEqual(t, backend.StatusNeedsReauth, w.status(t, "app"), "it could not tell")
	w.server.fails(nil)
	w.clock.advance(5 * time.Second)
	assert.Equal(t, "access-2", w.token(t))
}

// A refresh token that is refused needs a person, and says so; a dead access token
// is never handed out.
func TestARefusedRefresh(t *testing.T) {
	w := withApp(t, &storage{})
	w.clock.advance(50 * time.Minute)
	w.server.fails(failure(providers.Rejected))
	w = w.restarted()
	for range 2 {
		out, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
		require.NoError(t, err)
		assert.Contains(t, out.Warning, "oauth/authorize/app")
		w = w.restarted() // which it survives
	}
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "app"))
	w.clock.advance(time.Hour)
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	refused := requireCode(t, err, "credential_rejected")
	assert.Contains(t, refused.Message, "refused the refresh token")
	assert.NotContains(t, refused.Message, "was lost")
	_, refreshes := w.server.asked()
	assert.Equal(t, 2, refreshes, "it is confirmed once and not sent again")
	w.server.fails(nil)
	assert.Equal(t, 2, w.consent(t).After.Version)
	assert.Equal(t, "access-2", w.token(t))
}

// failsAfterFirstPut lets storage take one record and no other, and counts the attempts.
func failsAfterFirstPut(store *storage) *int {
	puts := 0
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put credentials/") {
			if puts++; puts > 1 {
				return fails
			}
		}
		return works
	})
	return &puts
}

// The upstream has issued new tokens, and storage does not take them: nobody gets
// them until it does, and the upstream is not asked again.
func TestTokensThatCannotBeStored(t *testing.T) {
	store := &storage{}
	w := withApp(t, store)
	w.clock.advance(time.Hour)
	puts := failsAfterFirstPut(store)
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	require.Error(t, err)
	assert.Equal(t, 2, *puts, "that it begins, and what came of it")
	_, err = w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	require.Error(t, err, "not yet")
	store.reset(nil)
	w.clock.advance(5 * time.Second)
	assert.Equal(t, "access-2", w.token(t))
	assert.Equal(t, []string{"refresh-1"}, w.server.refreshes)
	assert.Equal(t, "access-2", w.restarted().token(t))
}

func TestWithoutStorageNothingIsSent(t *testing.T) {
	store := &storage{}
	w := withApp(t, store)
	w.clock.advance(time.Hour)
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put ") {
			return fails
		}
		return works
	})
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	require.Error(t, err)
	assert.Empty(t, w.server.refreshes)
}

// The plugin is killed after the upstream has answered and before that is stored. The
// old token is sent again; if that was its last use, the refusal says what happened.
func TestKilledInTheMiddleOfARefresh(t *testing.T) {
	store := &storage{}
	w := withApp(t, store)
	w.clock.advance(time.Hour)
	var between *logical.StorageEntry
	w.server.hold = func(ctx context.Context) {
		var err error
		between, err = store.Get(ctx, "credentials/app")
		assert.NoError(t, err)
	}
	assert.Equal(t, "access-2", w.token(t))
	w.server.hold = nil
	require.NoError(t, store.Put(t.Context(), between))
	w = w.restarted()
	w.server.fails(failure(providers.Rejected))
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
	refused := requireCode(t, err, "credential_rejected")
	assert.Contains(t, refused.Message, "was lost")
	assert.Contains(t, refused.Message, "oauth/authorize/app")
	assert.Equal(t, []string{"refresh-1", "refresh-1", "refresh-1"}, w.server.refreshes, "a refusal is confirmed")

	require.NoError(t, store.Put(t.Context(), between)) // where the old token lives on
	w = w.restarted()
	w.server.fails(nil)
	assert.Equal(t, "access-3", w.token(t))
}

func TestAStandbyAsksTheActiveNode(t *testing.T) {
	w := withApp(t, &storage{})
	_, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, func() bool { return false })
	require.NoError(t, err)
	w.clock.advance(50 * time.Minute)
	_, err = w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, func() bool { return false })
	assert.Equal(t, logical.ErrReadOnly, err, "as it is: a wrapped one is not understood")
	_, refreshes := w.server.asked()
	assert.Zero(t, refreshes)
}

// The end of the engine waits for a refresh whose answer would be lost.
func TestCloseWaitsForARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withApp(t, &storage{})
		w.clock.advance(50 * time.Minute)
		w.server.hold = func(context.Context) { time.Sleep(8 * time.Second) }
		_ = w.token(t)
		w.Close()
		assert.Equal(t, "access-2", w.restarted().token(t))
		w.clock.advance(50 * time.Minute)
		assert.Equal(t, "access-2", w.token(t), "none begins after that")
	})
}
