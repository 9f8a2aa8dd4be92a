package sei

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
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

// visit opens the callback, confirms if that is asked, and returns the last page.
func (m *oauthMount) visit(t *testing.T, query body, status int) string {
	t.Helper()
	page, got := m.opens(t, logical.ReadOperation, query)
	if form := formOf(page); form != nil {
		require.Equal(t, 200, got)
		page, got = m.opens(t, logical.UpdateOperation, form)
	}
	require.Equal(t, status, got, page)
	return page
}

// opens sends one request to the callback.
func (m *oauthMount) opens(t *testing.T, op logical.Operation, sent body) (page string, status int) {
	t.Helper()
	r := m.ok(t, op, callbackPath, sent)
	page, _ = r.data[logical.HTTPRawBody].(string)
	require.Equal(t, "text/html; charset=utf-8", r.data[logical.HTTPContentType])
	r.data[logical.HTTPRawBody] = withoutReturned(page)
	fmt.Fprint(&m.shown, r.data)
	status, _ = r.data[logical.HTTPStatusCode].(int)
	return page, status
}

var (
	hiddenInput = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)
	// returnedInput is what a browser that brought it sends back.
	returnedInput = regexp.MustCompile(`<input type="hidden" name="(state|code)" value="[^"]*">`)
)

// formOf is what the first button of a page sends, nil where there is none.
func formOf(page string) body {
	_, form, found := strings.Cut(page, "<form")
	if !found {
		return nil
	}
	form, _, _ = strings.Cut(form, "</form>")
	sent := body{}
	for _, input := range hiddenInput.FindAllStringSubmatch(form, -1) {
		sent[input[1]] = html.UnescapeString(input[2])
	}
	return sent
}

// withoutReturned is a page without what its form sends back of the address that it has.
func withoutReturned(page string) string { return returnedInput.ReplaceAllString(page, "") }

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
	asks, _ := resp.Data[logical.HTTPRawBody].(string)
	resp, err = m.HandleRequest(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: callbackPath, Storage: m.storage, Data: formOf(asks)})
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
		assert.Equal(t, logical.ErrReadOnly, ask(logical.UpdateOperation, callbackPath))
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
			page, status := m.opens(t, logical.ReadOperation, query)
			if form := formOf(page); form != nil {
				_, status = m.opens(t, logical.UpdateOperation, form)
			}
			assert.Contains(t, []any{200, 500}, status)
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

// FuzzCallback demands that nobody reads on the page what he sent, but in the form that
// sends it back; that a look, and a form that the page did not make, change nothing; and that
// nothing of a state that is not open leads anywhere.
func FuzzCallback(f *testing.F) {
	f.Add("a-state-of-somebody", "a-code", "", "", false)
	f.Add("STATE", "a-code", "", "", false)
	f.Add("STATE", "a-code", "", "CONFIRMATION", true)
	f.Add("STATE", "", "access_denied", "", true)
	f.Add("STATE", `"><script>alert(1)</script>`, "", strings.Repeat("0", 64), true)
	f.Add("<script>alert(1)</script>", "", "access_denied", "", false)
	f.Add(`"><img src=x onerror=y>`, "%00", "\x00", "<b>", true)
	storage := &logical.InmemStorage{}
	m := newEngine(storage, catalog.All("test"), time.Now)
	defer m.Cleanup(f.Context())
	require.NoError(f, m.Setup(f.Context(), &logical.BackendConfig{StorageView: storage, System: &logical.StaticSystemView{}}))
	send := func(t testing.TB, op logical.Operation, path string, data body) *logical.Response {
		t.Helper()
		resp, err := m.HandleRequest(context.Background(), &logical.Request{Operation: op, Path: path, Storage: storage, Data: data})
		require.NoError(t, err)
		require.False(t, resp.IsError(), "%v", resp)
		return resp
	}
	_ = send(f, logical.UpdateOperation, "integrations/bb", body{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": oauthTestedSecret, "redirect_uri": oauthCallbackURI,
	})
	begin := func(t testing.TB) string {
		t.Helper()
		at, _ := send(t, logical.UpdateOperation, "oauth/authorize/bb", nil).Data["authorize_url"].(string)
		address, err := url.Parse(at)
		require.NoError(t, err)
		return address.Query().Get("state")
	}
	open := begin(f)
	_, err := input.Returned(nil)
	var nothing *backend.Error
	require.ErrorAs(f, err, &nothing)
	empty := page.Refused(nothing).HTML()
	f.Fuzz(func(t *testing.T, state, code, refusal, confirmation string, posts bool) {
		isOpen := state == "STATE"
		if isOpen {
			state = open
		}
		var op logical.Operation = logical.ReadOperation
		if posts {
			op = logical.UpdateOperation
		}
		resp := send(t, op, callbackPath, body{"state": state, "code": code, "error": refusal, "confirmation": confirmation})
		shown, _ := resp.Data[logical.HTTPRawBody].(string)
		left, err := storage.List(t.Context(), backend.FlowsPrefix)
		require.NoError(t, err)
		switch {
		case !isOpen || (code == "") == (refusal == "") || posts && refusal == "" && confirmation != "":
			require.Equal(t, 400, resp.Data[logical.HTTPStatusCode])
			require.Equal(t, empty, shown)
			require.Len(t, left, 1)
		case refusal != "":
			require.Contains(t, []any{400, 502}, resp.Data[logical.HTTPStatusCode])
			require.Empty(t, left)
			open = begin(t)
		case len(code) > 8<<10:
			require.Equal(t, empty, shown)
		default:
			require.Equal(t, 200, resp.Data[logical.HTTPStatusCode])
			form := formOf(shown)
			require.Equal(t, state, form["state"])
			require.Len(t, form["confirmation"], 64)
			again := formOf(strings.Replace(shown, fmt.Sprint(form["confirmation"]), "", 1))
			require.Equal(t, body{"state": state, "code": form["code"], "confirmation": ""}, again)
			// Whatever the code is, the page is the same but for its form.
			other, _ := send(t, op, callbackPath, body{"state": state, "code": "c"}).Data[logical.HTTPRawBody].(string)
			require.Equal(t, hiddenInput.ReplaceAllString(other, ""), hiddenInput.ReplaceAllString(shown, ""))
			require.Len(t, left, 1)
		}
	})
}
