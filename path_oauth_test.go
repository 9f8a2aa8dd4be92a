package sei

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

const (
	oauthCallbackURI  = "https://vault.example.com/v1/sei/oauth/callback"
	oauthTestedSecret = "the-secret-of-the-client"
)

// oauthMount is an engine with an OAuth integration bb, a World and a clock.
type oauthMount struct {
	*mount
	world *catalogtest.World
	clock *atomic.Int64 // Unix seconds
	shown strings.Builder
}

// newWorldMount has no integration.
func newWorldMount(t *testing.T) *oauthMount {
	t.Helper()
	m := &oauthMount{mount: &mount{storage: &logical.InmemStorage{}}, world: catalogtest.NewWorld(), clock: &atomic.Int64{}}
	t.Cleanup(m.world.Close)
	m.clock.Store(time.Now().Unix())
	m.engine = m.starts(t, &logical.StaticSystemView{})
	m.write(t, "config", body{"allowed_hosts": m.world.AllowedHosts()})
	return m
}

// withOAuth has integration bb without a credential.
func withOAuth(t *testing.T) *oauthMount {
	t.Helper()
	m := newWorldMount(t)
	m.world.Bitbucket.SetClock(m.now)
	m.world.Bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: oauthTestedSecret, RedirectURI: oauthCallbackURI, Scopes: []string{"account"}})
	m.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: email})
	m.write(t, "integrations/bb", body{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": oauthTestedSecret, "redirect_uri": oauthCallbackURI,
		"proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM(),
	})
	return m
}

func (m *oauthMount) now() time.Time { return time.Unix(m.clock.Load(), 0) }

func (m *oauthMount) pass(d time.Duration) { m.clock.Add(int64(d / time.Second)) }

// starts returns an engine over the storage.
func (m *oauthMount) starts(t *testing.T, system logical.SystemView) *engine {
	t.Helper()
	e := newEngine(m.storage, catalog.All("test"), m.now)
	require.NoError(t, e.Setup(t.Context(), &logical.BackendConfig{StorageView: m.storage, System: system}))
	t.Cleanup(func() { e.Cleanup(t.Context()) })
	return e
}

// authorize returns the address for the browser.
func (m *oauthMount) authorize(t *testing.T) string {
	t.Helper()
	address, _ := m.write(t, "oauth/authorize/bb", nil).data["authorize_url"].(string)
	return address
}

// consent returns the query that the browser brings back.
func (m *oauthMount) consent(t *testing.T) body {
	t.Helper()
	back, err := m.world.Consent(m.authorize(t), true)
	require.NoError(t, err)
	return queryOf(back)
}

func queryOf(u *url.URL) body {
	data := body{}
	for name, values := range u.Query() {
		data[name] = values[0]
	}
	return data
}

// visit opens the callback and returns the page.
func (m *oauthMount) visit(t *testing.T, query body, status int) string {
	t.Helper()
	r := m.ok(t, logical.ReadOperation, callbackPath, query)
	page, _ := r.data[logical.HTTPRawBody].(string)
	require.Equal(t, status, r.data[logical.HTTPStatusCode], page)
	require.Equal(t, "text/html; charset=utf-8", r.data[logical.HTTPContentType])
	fmt.Fprint(&m.shown, r.data)
	return page
}

func TestOAuthInTheBrowser(t *testing.T) {
	m := withOAuth(t)
	begun := m.write(t, "oauth/authorize/bb", nil).data
	assert.Equal(t, oauthCallbackURI, begun["redirect_uri"])
	assert.Equal(t, timestamp(m.now().Add(10*time.Minute)), begun["expires_at"])
	address, _ := begun["authorize_url"].(string)
	back, err := m.world.Consent(address, true)
	require.NoError(t, err)
	page := m.visit(t, queryOf(back), 200)
	assert.Contains(t, page, "<dd>bb</dd>")
	assert.Contains(t, page, "User mia")

	creds := m.read(t, "creds/bb")
	token, _ := creds["access_token"].(string)
	assert.Equal(t, "Bearer "+token, authorization(creds))
	assert.NotContains(t, creds, "refresh_token")
	assert.NotContains(t, creds, "code")
	assert.Equal(t, timestamp(m.now().Add(2*time.Hour)), creds["expires_at"])
	assert.EqualValues(t, 300, creds["ttl"])
	m.pass(2*time.Hour - 10*time.Minute)
	again := m.read(t, "creds/bb")
	assert.NotEqual(t, token, again["access_token"])
	assert.Equal(t, creds["version"], again["version"])
	history, _ := m.read(t, "history/bb")["entries"].([]map[string]any)
	require.Len(t, history, 2)
	assert.Equal(t, "refresh", history[0]["cause"])
	assert.Equal(t, "creds/bb", history[0]["via"])
	assert.Equal(t, "token-mia", history[1]["display_name"], "who began")

	m.refused(t, logical.UpdateOperation, "validate/bb", queryOf(back), 400, "validate_unsupported")
	fmt.Fprint(&m.shown, m.read(t, "integrations/bb"), m.read(t, "reauth/bb"), history, begun["redirect_uri"])
	for _, secret := range append(m.world.Bitbucket.Issued(), oauthTestedSecret) {
		assert.NotContains(t, m.shown.String(), secret, "only creds/ hands a secret out, and only the access token")
	}
}

func TestClientSecretIsNeverRead(t *testing.T) {
	m := withOAuth(t)
	read := m.read(t, "integrations/bb")
	assert.Equal(t, true, read["client_secret_set"])
	assert.NotContains(t, read, "client_secret")
	m.refused(t, logical.UpdateOperation, "integrations/bb", body{"client_secret_set": true}, 400, "field_not_allowed")
	for _, wrong := range []any{"", "  ", nil, 7, []any{"a"}, "a\nb"} {
		r := m.refused(t, logical.UpdateOperation, "integrations/bb", body{"client_secret": wrong}, 400, "invalid_field")
		assert.Equal(t, []string{"client_secret"}, r.data["fields"])
	}
	r := m.refused(t, logical.UpdateOperation, "integrations/bb", body{"token_url": "https://evil.example.com/token"}, 400, "missing_field")
	assert.Equal(t, []string{"client_secret"}, r.data["fields"])
	r = m.refused(t, logical.UpdateOperation, "reauth/bb", body{"client_secret": "x"}, 400, "field_not_allowed")
	assert.Contains(t, r.message, "settings go to integrations")
	m.refused(t, logical.UpdateOperation, "oauth/authorize/bb", body{"redirect_uri": "https://evil.example.com"}, 400, "field_not_allowed")
	m.refused(t, logical.UpdateOperation, "oauth/authorize/nobody", nil, 404, "unknown_integration")
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "pat", "url": "https://jira.example.com"})
	m.refused(t, logical.UpdateOperation, "oauth/authorize/jira", nil, 400, "reauth_unsupported")
}

// Nobody learns from the page whether there is an integration, or reads there what he
// sent.
func TestPagesOfBadStates(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	used := m.consent(t)
	m.visit(t, used, 200)
	first := m.visit(t, body{"state": strings.Repeat("x", 43), "code": "a-made-up-code"}, 400)
	for name, query := range map[string]body{
		"used": used, "nothing": nil, "no state": {"code": "c"}, "no code": {"state": "s"}, "both": {"state": "s", "code": "c", "error": "access_denied"},
		"huge": {"state": strings.Repeat("s", 1<<20), "code": "c"}, "lists": {"state": []string{"a", "b"}, "code": "c"},
		"a denial of nothing": {"state": "s", "error": "access_denied", "error_description": "<script>alert(1)</script>"},
		"markup":              {"state": "<b>state</b>", "code": "<i>code</i>", "session_state": "<u>x</u>"},
	} {
		assert.Equal(t, first, m.visit(t, query, 400), name)
	}
	assert.NotContains(t, first, "bb")
	assert.EqualValues(t, 2, m.read(t, "creds/bb")["version"])
}

func TestPagePolicy(t *testing.T) {
	m := withOAuth(t)
	m.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: email, Username: `<script>alert("1")</script>`})
	resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: callbackPath, Storage: m.storage, Data: m.consent(t)})
	require.NoError(t, err)
	page, _ := resp.Data[logical.HTTPRawBody].(string)
	assert.NotContains(t, page, "<script")
	assert.Contains(t, page, "&lt;script&gt;")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	require.Len(t, style, 2)
	sum := sha256.Sum256([]byte(style[1]))
	policy := resp.Headers["Content-Security-Policy"][0]
	assert.Contains(t, policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	for _, external := range []string{"src=", "@import", "url(", "<link", "style=", "onload"} {
		assert.NotContains(t, page, external)
	}
	for _, needed := range []string{`<html lang="en">`, `name="viewport"`, "<title>", "<main>", "<h1>", `role="status"`} {
		assert.Contains(t, page, needed)
	}
}

func TestDeclined(t *testing.T) {
	m := withOAuth(t)
	back, err := m.world.Consent(m.authorize(t), false)
	require.NoError(t, err)
	page := m.visit(t, queryOf(back), 400)
	assert.Contains(t, page, "oauth_denied")
	assert.NotContains(t, page, back.Query().Get("error_description"))
}

// A standby sends nothing and asks the active node before a token is renewed.
func TestStandby(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	for _, state := range []consts.ReplicationState{consts.ReplicationPerformanceStandby, consts.ReplicationPerformanceSecondary} {
		standby := m.starts(t, &logical.StaticSystemView{ReplicationStateVal: state})
		ask := func(op logical.Operation, path string) error {
			_, err := standby.HandleRequest(t.Context(), &logical.Request{Operation: op, Path: path, Storage: m.storage})
			return err
		}
		require.NoError(t, ask(logical.ReadOperation, "creds/bb"), "a token with a long life is served here")
		assert.Equal(t, logical.ErrReadOnly, ask(logical.UpdateOperation, "oauth/authorize/bb"))
		assert.Equal(t, logical.ErrReadOnly, ask(logical.ReadOperation, callbackPath))
		m.pass(110 * time.Minute)
		m.world.Bitbucket.Forget()
		assert.Equal(t, logical.ErrReadOnly, ask(logical.ReadOperation, "creds/bb"))
		assert.Empty(t, m.world.Bitbucket.Requests())
		_ = m.read(t, "creds/bb")
		require.NoError(t, standby.periodic(t.Context(), nil), "it sweeps nothing")
		standby.InvalidateKey(t.Context(), "credentials/bb")
	}
}

func TestStaleFlowsAreSwept(t *testing.T) {
	m := withOAuth(t)
	_ = m.authorize(t)
	open := func() int {
		keys, err := m.storage.List(t.Context(), "oauth/")
		require.NoError(t, err)
		return len(keys)
	}
	require.NoError(t, m.periodic(t.Context(), nil))
	assert.Equal(t, 1, open())
	m.pass(10 * time.Minute)
	require.NoError(t, m.periodic(t.Context(), nil))
	assert.Zero(t, open())
}

// Every storage call of the callback and of a refresh is made to fail in turn. What
// is served is the credential before or the one after, and it works.
func TestStorageFaultsOfOAuth(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, m *oauthMount, query body){
		"callback": func(t *testing.T, m *oauthMount, query body) {
			t.Helper()
			r := m.ok(t, logical.ReadOperation, callbackPath, query)
			assert.Contains(t, []any{200, 500}, r.data[logical.HTTPStatusCode])
			fmt.Fprint(&m.shown, r.data)
		},
		"refresh": func(t *testing.T, m *oauthMount, _ body) {
			t.Helper()
			m.pass(110 * time.Minute)
			_ = m.do(t, logical.ReadOperation, "creds/bb", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				m := withOAuth(t)
				m.visit(t, m.consent(t), 200)
				query := m.consent(t)
				disk := &failing{Storage: m.storage}
				m.engine = newEngine(disk, catalog.All("test"), m.now)
				require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: disk, System: &logical.StaticSystemView{}}))
				disk.arm(at, false)
				act(t, m, query)
				reached := len(disk.made()) >= at
				disk.arm(0, false)
				m.pass(time.Minute)
				creds := m.read(t, "creds/bb")
				token, _ := creds["access_token"].(string)
				assert.True(t, m.works(t, token), "storage call %d: a dead token is served", at)
				m.Cleanup(t.Context())
				if !reached {
					return
				}
			}
		})
	}
}

// works reports whether Bitbucket takes an access token.
func (m *oauthMount) works(t *testing.T, token string) bool {
	t.Helper()
	p, _ := m.registry.Provider("bitbucket")
	_, err := p.Validate(t.Context(), m.world.Wire(providers.Target{URL: "https://bitbucket.org", AuthType: "oauth"}),
		providers.NewCredential(map[string][]providers.Secret{"access_token": {providers.NewSecret(token)}}))
	return err == nil
}

// FuzzCallback demands that nobody reads on the page what he sent.
func FuzzCallback(f *testing.F) {
	f.Add("a-state-of-somebody", "a-code", "")
	f.Add("<script>alert(1)</script>", "", "access_denied")
	f.Add(`"><img src=x onerror=y>`, "%00", "\x00")
	m := newEngine(&logical.InmemStorage{}, catalog.All("test"), time.Now)
	defer m.Cleanup(f.Context())
	if err := m.Setup(f.Context(), &logical.BackendConfig{StorageView: &logical.InmemStorage{}, System: &logical.StaticSystemView{}}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, state, code, refusal string) {
		resp, err := m.HandleRequest(t.Context(), &logical.Request{
			Operation: logical.ReadOperation, Path: callbackPath, Storage: &logical.InmemStorage{}, Data: body{"state": state, "code": code, "error": refusal},
		})
		require.NoError(t, err)
		require.Equal(t, 400, resp.Data[logical.HTTPStatusCode])
		shown, _ := resp.Data[logical.HTTPRawBody].(string)
		_, err = input.Returned(nil)
		var nothing *backend.Error
		require.ErrorAs(t, err, &nothing)
		empty := page.Refused(nothing).HTML()
		require.Equal(t, empty, shown)
	})
}
