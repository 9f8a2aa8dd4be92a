package providertest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/providertest"
)

const (
	verifier    = "a-verifier-has-43-to-128-characters-of-its-own-alphabet"
	callback    = "https://vault.example.com/v1/sei/oauth/callback"
	azureScope  = "499b84ac-1321-427f-aa17-267ca6975798/"
	entraTenant = "00000000-0000-0000-0000-000000000001"
)

// authority is what the tests use of a fake.
type authority interface {
	providertest.Fake
	AddClient(c providertest.OAuthClient)
	SetLife(d time.Duration)
	SetClock(now func() time.Time)
	RevokeGrants()
	RevokeAccess()
	Issued() []string
	Refreshes() int
}

// flow is a client of one of the fakes, and the API that its tokens are for.
type flow struct {
	t              *testing.T
	world          *providertest.World
	fake           authority
	caller         caller
	authorize      string
	token          string
	scope          string
	api            string
	inHeader       bool
	clock          *atomic.Int64 // seconds that have passed
	rotates        bool
	life           time.Duration
	deniedAs       string
	refusedRefresh string
}

func flows(t *testing.T) map[string]*flow {
	t.Helper()
	w := providertest.NewWorld()
	t.Cleanup(w.Close)
	client := providertest.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Tenant: entraTenant}
	w.Entra.AddClient(client)
	client.Scopes = []string{"account"}
	w.Bitbucket.AddClient(client)
	w.Bitbucket.AddWorkspace(providertest.BitbucketWorkspace{Slug: "acme", Members: []string{"mia@example.com"}})
	w.Bitbucket.SignIn(providertest.BitbucketToken{Email: "mia@example.com"})
	w.AzureDevOps.AddOrganization(providertest.AzureOrganization{Name: "contoso", Projects: []providertest.AzureProject{{Name: "Web"}}})
	w.Entra.SignIn(providertest.AzureToken{Account: "mia@example.com", Organization: "contoso"})
	list := map[string]*flow{
		"bitbucket": {
			fake: w.Bitbucket, authorize: "https://bitbucket.org/site/oauth2/authorize", token: "https://bitbucket.org/site/oauth2/access_token",
			api: "https://api.bitbucket.org/2.0/user", inHeader: true, rotates: true, life: 7200 * time.Second,
			deniedAs: "The user denied the request.", refusedRefresh: "invalid_request",
		},
		"entra": {
			fake:      w.Entra,
			authorize: "https://login.microsoftonline.com/" + entraTenant + "/oauth2/v2.0/authorize",
			token:     "https://login.microsoftonline.com/" + entraTenant + "/oauth2/v2.0/token",
			scope:     azureScope + ".default offline_access",
			api:       "https://dev.azure.com/contoso/_apis/connectionData?api-version=7.1-preview",
			life:      3599 * time.Second, deniedAs: "the user canceled the authentication", refusedRefresh: "invalid_grant",
		},
	}
	for _, f := range list {
		f.t, f.world, f.caller, f.clock = t, w, newCaller(t, w), &atomic.Int64{}
		start := time.Now()
		f.fake.SetClock(func() time.Time { return start.Add(time.Duration(f.clock.Load()) * time.Second) })
	}
	return list
}

// both runs a test against each fake; the test's T is the flow's.
func both(t *testing.T, test func(f *flow)) {
	t.Helper()
	for _, name := range []string{"bitbucket", "entra"} {
		t.Run(name, func(t *testing.T) { test(flows(t)[name]) })
	}
}

func (f *flow) pass(d time.Duration) { f.clock.Add(int64(d / time.Second)) }

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// changed returns values with some set otherwise, "" removes.
func changed(values url.Values, pairs ...string) url.Values {
	out := maps.Clone(values)
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			out.Del(pairs[i])
		}
	}
	return out
}

// ask is the address that a person is sent to.
func (f *flow) ask(pairs ...string) string {
	q := url.Values{
		"client_id": {"sei"}, "response_type": {"code"}, "redirect_uri": {callback}, "state": {"a state"},
		"code_challenge": {challenge()}, "code_challenge_method": {"S256"},
	}
	if f.scope != "" {
		q.Set("scope", f.scope)
	}
	return f.authorize + "?" + changed(q, pairs...).Encode()
}

// code has a person grant, and returns the code.
func (f *flow) code(pairs ...string) string {
	f.t.Helper()
	u, err := f.world.Consent(f.ask(pairs...), true)
	require.NoError(f.t, err)
	require.NotEmpty(f.t, u.Query().Get("code"), u.String())
	return u.Query().Get("code")
}

// post sends a form to the token endpoint, with the client's credentials unless
// another header or client is told.
func (f *flow) post(form url.Values, header ...string) (int, map[string]any) {
	f.t.Helper()
	switch {
	case f.inHeader && len(header) == 0:
		header = []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("sei:s3cret"))}
	case !f.inHeader && !form.Has("client_id"):
		form = changed(form, "client_id", "sei", "client_secret", "s3cret")
	}
	header = append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)
	status, body := f.caller.do(http.MethodPost, f.token, form.Encode(), header...)
	var out map[string]any
	require.NoError(f.t, json.Unmarshal([]byte(body), &out), body)
	return status, out
}

func byCode(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

// signedIn goes the whole way and returns the tokens.
func (f *flow) signedIn() (access, refresh string) {
	f.t.Helper()
	status, body := f.post(byCode(f.code()))
	require.Equal(f.t, http.StatusOK, status, body)
	return text(body, "access_token"), text(body, "refresh_token")
}

func (f *flow) refresh(token string) (int, map[string]any) {
	f.t.Helper()
	return f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// use asks the API with an access token.
func (f *flow) use(token string) (int, string) {
	f.t.Helper()
	return f.caller.do(http.MethodGet, f.api, "", "Authorization", "Bearer "+token, "X-TFS-FedAuthRedirect", "Suppress")
}

func text(body map[string]any, name string) string {
	s, _ := body[name].(string)
	return s
}

func TestConsent(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		u, err := f.world.Consent(f.ask(), true)
		require.NoError(t, err)
		assert.Equal(t, callback, "https://"+u.Host+u.Path)
		assert.Equal(t, "a state", u.Query().Get("state"))
		assert.Equal(t, !f.inHeader, u.Query().Has("session_state"))
		assert.Equal(t, []string{u.Query().Get("code")}, f.fake.Issued())
		requests := f.fake.Requests()
		require.Len(t, requests, 2, "the page and its form")
		assert.Equal(t, []string{"GET", "POST"}, []string{requests[0].Method, requests[1].Method})
		assert.NotZero(t, requests[1].Body)

		u, err = f.world.Consent(f.ask(), false)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"error": {"access_denied"}, "error_description": {f.deniedAs}, "state": {"a state"}}, u.Query())
		assert.Len(t, f.fake.Issued(), 1, "nothing is issued for a denial")
		assert.Empty(t, f.world.Dialled(), "without network")
		u, err = f.world.Consent(f.ask("state", ""), true)
		require.NoError(t, err)
		assert.False(t, u.Query().Has("state"))
	})
}

func TestConsentOnThisMachine(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		server := httptest.NewServer(f.fake)
		t.Cleanup(server.Close)
		local, err := url.Parse(f.authorize)
		require.NoError(t, err)
		f.authorize = server.URL + local.Path
		local, err = url.Parse(f.token)
		require.NoError(t, err)
		f.token, f.caller = server.URL+local.Path, caller{t, http.DefaultClient}
		status, page := f.caller.do(http.MethodGet, f.ask(), "")
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, page, "mia@example.com")
		code := f.code()
		status, _ = f.post(byCode(code))
		assert.Equal(t, http.StatusOK, status)
	})
}

func TestConsentFails(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		for _, address := range []string{"%", "https://nowhere.example.com/authorize", "http://127.0.0.1:1/login", "https://elsewhere.example.com/", f.ask("client_id", "nobody")} {
			_, err := f.world.Consent(address, true)
			require.Error(t, err, address)
			assert.NotContains(t, err.Error(), challenge())
		}
		f.fake.Behave(providertest.Fault{Reset: true})
		_, err := f.world.Consent(f.ask(), true)
		require.ErrorContains(t, err, "broke")
		f.fake.Behave(providertest.Fault{Status: http.StatusOK, Body: "<p>none</p>"})
		_, err = f.world.Consent(f.ask(), true)
		assert.ErrorContains(t, err, "no form")
	})
	w := providertest.NewWorld()
	t.Cleanup(w.Close)
	w.Bitbucket.AddClient(providertest.OAuthClient{ID: "sei", RedirectURI: callback})
	_, err := w.Consent("https://bitbucket.org/site/oauth2/authorize?client_id=sei&response_type=code", true)
	assert.ErrorContains(t, err, "401", "nobody is signed in")
}

// TestConsentPage looks at what a browser and a screen reader need.
func TestConsentPage(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		f.fake.AddClient(providertest.OAuthClient{ID: "<script>", Secret: "x", RedirectURI: callback, Scopes: []string{"vso.code"}})
		status, page := f.caller.do(http.MethodGet, f.ask("client_id", "<script>"), "")
		assert.Equal(t, http.StatusOK, status)
		for _, part := range []string{
			`<html lang="en">`, `<title>`, `<meta name="viewport"`, `method="post"`, "mia@example.com", "&lt;script&gt;", "vso.code",
			`<button name="consent" value="grant" id="grant">Grant access</button>`, `<button name="consent" value="deny" id="deny">Cancel</button>`,
		} {
			assert.Contains(t, page, part)
		}
		assert.NotContains(t, page, "<script>")
		assert.NotContains(t, page, `action="http`)
	})
}

func TestConsentFormWorksOnce(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		browser := *f.caller.client
		browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c := caller{t, &browser}
		open := func() string {
			_, page := c.do(http.MethodGet, f.ask(), "")
			_, rest, _ := strings.Cut(page, `name="request" value="`)
			number, _, _ := strings.Cut(rest, `"`)
			require.NotEmpty(t, number)
			return number
		}
		press := func(form string) int {
			status, _ := c.do(http.MethodPost, f.authorize, form, "Content-Type", "application/x-www-form-urlencoded")
			return status
		}
		number := open()
		assert.Equal(t, http.StatusFound, press("consent=grant&request="+number))
		assert.Equal(t, http.StatusBadRequest, press("consent=grant&request="+number), "used up")
		assert.Equal(t, http.StatusBadRequest, press("consent=grant"), "no page")
		assert.Equal(t, http.StatusBadRequest, press("request="+open()), "no button")
		number = open()
		f.pass(time.Hour)
		assert.Equal(t, http.StatusBadRequest, press("consent=grant&request="+number), "too old")
	})
}

func TestAuthorizeIsStrict(t *testing.T) {
	type wrong struct {
		name  string
		pairs []string
		// sent is the error that the client gets; without one a page tells the person.
		sent string
	}
	cases := map[string][]wrong{
		"": {
			{"an unknown client", []string{"client_id", "other"}, ""},
			{"no client", []string{"client_id", ""}, ""},
			{"another host", []string{"redirect_uri", "https://evil.example.com/v1/sei/oauth/callback"}, ""},
			{"another scheme", []string{"redirect_uri", "http://vault.example.com/v1/sei/oauth/callback"}, ""},
			{"a longer name", []string{"redirect_uri", callback + "2"}, ""},
			{"a path that leaves", []string{"redirect_uri", callback + "/../x"}, ""},
			{"a fragment", []string{"redirect_uri", callback + "#x"}, ""},
			{"no response type", []string{"response_type", ""}, "invalid_request"},
			{"a token at once", []string{"response_type", "token"}, "unsupported_response_type"},
			{"plain", []string{"code_challenge_method", "plain"}, "invalid_request"},
			{"plain by default", []string{"code_challenge_method", ""}, "invalid_request"},
			{"no challenge", []string{"code_challenge", ""}, "invalid_request"},
			{"a challenge that is none", []string{"code_challenge", "short"}, "invalid_request"},
		},
		"bitbucket": {{"a scope beyond the consumer's", []string{"scope", "repository"}, "invalid_scope"}},
		"entra": {
			{"an extension", []string{"redirect_uri", callback + "/x"}, ""},
			{"no redirect", []string{"redirect_uri", ""}, ""},
			{"no scope", []string{"scope", ""}, "invalid_scope"},
			{"no resource", []string{"scope", "openid offline_access"}, "invalid_scope"},
			{"another resource", []string{"scope", "https://graph.microsoft.com/.default offline_access"}, "invalid_scope"},
			{"a right without its resource", []string{"scope", "vso.code"}, "invalid_scope"},
			{"all and one", []string{"scope", azureScope + ".default " + azureScope + "vso.code"}, "invalid_scope"},
			{"a fragment", []string{"response_mode", "fragment"}, "invalid_request"},
		},
	}
	for _, name := range []string{"bitbucket", "entra"} {
		f := flows(t)[name]
		for _, tc := range slices.Concat(cases[""], cases[name]) {
			t.Run(name+"/"+tc.name, func(t *testing.T) {
				u, err := f.world.Consent(f.ask(tc.pairs...), true)
				if tc.sent == "" {
					require.ErrorContains(t, err, "400")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, tc.sent, u.Query().Get("error"))
				assert.NotEmpty(t, u.Query().Get("error_description"))
				assert.Equal(t, "a state", u.Query().Get("state"))
				assert.False(t, u.Query().Has("code"))
			})
		}
		t.Run(name+"/a parameter twice", func(t *testing.T) {
			u, err := f.world.Consent(f.ask()+"&state=other", true)
			require.NoError(t, err)
			assert.Equal(t, "invalid_request", u.Query().Get("error"))
			for _, twice := range []string{"&client_id=sei", "&redirect_uri=" + callback} {
				_, err = f.world.Consent(f.ask()+twice, true)
				assert.ErrorContains(t, err, "400", "the client cannot be told")
			}
		})
		t.Run(name+"/another method", func(t *testing.T) {
			status, _ := f.caller.do(http.MethodPut, f.ask(), "")
			assert.Equal(t, http.StatusMethodNotAllowed, status)
			status, _ = f.caller.do(http.MethodGet, f.token, "")
			assert.Equal(t, http.StatusMethodNotAllowed, status)
			status, _ = f.caller.do(http.MethodGet, f.authorize+"/x", "")
			assert.Equal(t, http.StatusNotFound, status)
		})
		assert.Empty(t, f.fake.Issued())
	}
}

func TestBitbucketRedirects(t *testing.T) {
	f := flows(t)["bitbucket"]
	u, err := f.world.Consent(f.ask("redirect_uri", callback+"/deeper?x=1"), true)
	require.NoError(t, err, "an extension of the callback")
	assert.Equal(t, "/v1/sei/oauth/callback/deeper", u.Path)
	assert.Equal(t, "1", u.Query().Get("x"))
	status, body := f.post(changed(byCode(u.Query().Get("code")), "redirect_uri", callback+"/deeper?x=1"))
	assert.Equal(t, http.StatusOK, status, body)
	status, body = f.post(changed(byCode(f.code("redirect_uri", "")), "redirect_uri", ""))
	assert.Equal(t, http.StatusOK, status, body)
	status, _ = f.caller.do(http.MethodGet, "https://api.bitbucket.org/site/oauth2/authorize", "")
	assert.Equal(t, http.StatusForbidden, status, "OAuth is on the other host")
}

func TestTokenEndpointIsStrict(t *testing.T) {
	basic := func(pair string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	}
	type wrong struct {
		name   string
		pairs  []string
		header []string
		status int
		error  string
	}
	cases := map[string][]wrong{
		"": {
			{"no grant type", []string{"grant_type", ""}, nil, 400, ""},
			{"another grant type", []string{"grant_type", "password"}, nil, 400, "unsupported_grant_type"},
			{"another redirect", []string{"redirect_uri", callback + "/x"}, nil, 400, "invalid_grant"},
			{"another verifier", []string{"code_verifier", strings.Repeat("x", 43)}, nil, 400, "invalid_grant"},
			{"no verifier", []string{"code_verifier", ""}, nil, 400, "invalid_grant"},
			{"another code", []string{"code", "other"}, nil, 400, "invalid_grant"},
		},
		"bitbucket": {
			{"no redirect", []string{"redirect_uri", ""}, nil, 400, "invalid_grant"},
			{"another secret", nil, basic("sei:other"), 401, "unauthorized_client"},
			{"no secret", nil, basic("sei:"), 401, "unauthorized_client"},
			{"another client", nil, basic("other:s3cret"), 401, "unauthorized_client"},
			{"no client", nil, []string{"Accept", "*/*"}, 401, "unauthorized_client"},
			{"a client in the form", []string{"client_id", "sei", "client_secret", "s3cret"}, []string{"Accept", "*/*"}, 401, "unauthorized_client"},
			{"a client in both", []string{"client_id", "sei", "client_secret", "s3cret"}, nil, 401, "unauthorized_client"},
			{"a body that is no form", nil, append(basic("sei:s3cret"), "Content-Type", "application/json"), 400, "unsupported_grant_type"},
		},
		"entra": {
			{"no redirect", []string{"redirect_uri", ""}, nil, 400, "invalid_request"},
			{"no code", []string{"code", ""}, nil, 400, "invalid_request"},
			{"another secret", []string{"client_id", "sei", "client_secret", "other"}, nil, 401, "invalid_client"},
			{"no secret", []string{"client_id", "sei"}, nil, 401, "invalid_client"},
			{"another client", []string{"client_id", "other", "client_secret", "s3cret"}, nil, 400, "unauthorized_client"},
			{"a client in the header", []string{"client_id", ""}, append(basic("sei:s3cret"), "X-Form", "none"), 400, "invalid_request"},
			{"a client in both", nil, basic("sei:s3cret"), 400, "invalid_request"},
			{"a body that is no form", nil, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
			{"more than was granted", []string{"scope", "https://graph.microsoft.com/mail.read"}, nil, 400, "invalid_scope"},
		},
	}
	for _, name := range []string{"bitbucket", "entra"} {
		for _, tc := range slices.Concat(cases[""], cases[name]) {
			t.Run(name+"/"+tc.name, func(t *testing.T) {
				f := flows(t)[name]
				form := changed(byCode(f.code()), tc.pairs...)
				if slices.Contains(tc.header, "X-Form") {
					form.Set("client_id", "") // so that post adds none
				}
				status, body := f.post(form, tc.header...)
				assert.Equal(t, tc.status, status, body)
				if tc.error != "" {
					assert.Equal(t, tc.error, body["error"])
				}
				assert.NotEmpty(t, body["error_description"])
				assert.NotContains(t, body, "access_token")
				assert.Len(t, f.fake.Issued(), 1, "nothing but the code")
			})
		}
	}
}

func TestAnotherTenant(t *testing.T) {
	f := flows(t)["entra"]
	f.authorize = strings.Replace(f.authorize, entraTenant, "common", 1)
	_, err := f.world.Consent(f.ask(), true)
	require.ErrorContains(t, err, "400")
	code := flows(t)["entra"].code()
	f.token = strings.Replace(f.token, entraTenant, "common", 1)
	status, body := f.post(byCode(code))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "unauthorized_client", body["error"])
}

func TestCodesWorkOnce(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		code := f.code()
		status, _ := f.post(byCode(code))
		assert.Equal(t, http.StatusOK, status)
		status, body := f.post(byCode(code))
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "invalid_grant", body["error"])
		assert.Contains(t, body["error_description"], "already")

		code = f.code()
		status, _ = f.post(changed(byCode(code), "code_verifier", ""))
		assert.Equal(t, http.StatusBadRequest, status)
		status, _ = f.post(byCode(code))
		assert.Equal(t, http.StatusBadRequest, status, "a failed exchange uses it up")

		code = f.code()
		f.pass(10 * time.Minute)
		status, body = f.post(byCode(code))
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "invalid_grant", body["error"])

		code = f.code("code_challenge", "", "code_challenge_method", "")
		status, _ = f.post(byCode(code))
		assert.Equal(t, http.StatusBadRequest, status, "a verifier without a challenge")
		code = f.code("code_challenge", "", "code_challenge_method", "")
		status, _ = f.post(changed(byCode(code), "code_verifier", ""))
		assert.Equal(t, http.StatusOK, status, "no PKCE at all")
	})
}

func TestCodesBelongToAClient(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		f.fake.AddClient(providertest.OAuthClient{ID: "other", Secret: "s3cret", RedirectURI: callback, Scopes: []string{"account"}})
		theirs, _ := f.world.Consent(f.ask("client_id", "other"), true)
		status, body := f.post(byCode(theirs.Query().Get("code")))
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "invalid_grant", body["error"])
	})
}

func TestRefresh(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		access, refresh := f.signedIn()
		status, body := f.refresh(refresh)
		require.Equal(t, http.StatusOK, status)
		newer := text(body, "refresh_token")
		assert.NotEqual(t, refresh, newer)
		assert.NotEqual(t, access, body["access_token"])
		assert.Equal(t, 1, f.fake.Refreshes())
		for _, token := range []string{access, text(body, "access_token")} {
			status, _ = f.use(token)
			assert.Equal(t, http.StatusOK, status, "the former access token lives on")
		}

		status, body = f.refresh(refresh)
		if f.rotates {
			assert.Equal(t, http.StatusBadRequest, status, "dead at once")
			assert.Equal(t, map[string]any{"error": "invalid_request", "error_description": "Invalid refresh_token"}, body)
			assert.Equal(t, 1, f.fake.Refreshes())
		} else {
			assert.Equal(t, http.StatusOK, status, "the former one stays")
			assert.Equal(t, 2, f.fake.Refreshes())
		}

		f.fake.RevokeGrants()
		status, body = f.refresh(newer)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, f.refusedRefresh, body["error"])
		status, _ = f.use(access)
		assert.Equal(t, http.StatusOK, status, "access tokens live on")
		_, newest := f.signedIn()
		status, _ = f.refresh(newest)
		assert.Equal(t, http.StatusOK, status, "what is issued later is not affected")

		f.fake.RevokeAccess()
		status, _ = f.use(access)
		assert.Equal(t, http.StatusUnauthorized, status)
		status, body = f.refresh("nonsense")
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, f.refusedRefresh, body["error"])

		_, unused := f.signedIn()
		f.pass(90 * 24 * time.Hour)
		status, body = f.refresh(unused)
		assert.Equal(t, http.StatusBadRequest, status, "unused for too long")
		assert.Equal(t, f.refusedRefresh, body["error"])
	})
}

// TestRefreshAtOnce has many refresh with one token: where it rotates, one wins.
func TestRefreshAtOnce(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		_, refresh := f.signedIn()
		var won atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if status, _ := f.refresh(refresh); status == http.StatusOK {
					won.Add(1)
				}
			})
		}
		all.Wait()
		want := int32(8)
		if f.rotates {
			want = 1
		}
		assert.Equal(t, want, won.Load())
		assert.Equal(t, int(want), f.fake.Refreshes())
	})
}

func TestAccessTokensExpire(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		access, refresh := f.signedIn()
		f.pass(f.life - time.Second)
		status, _ := f.use(access)
		assert.Equal(t, http.StatusOK, status)
		f.pass(time.Second)
		status, body := f.use(access)
		assert.Equal(t, http.StatusUnauthorized, status)
		if f.inHeader {
			assert.Contains(t, body, "Access token expired.")
		}

		f.fake.SetLife(time.Minute)
		_, answer := f.refresh(refresh)
		assert.InDelta(t, 60, answer["expires_in"], 0)
		f.pass(59 * time.Second)
		status, _ = f.use(text(answer, "access_token"))
		assert.Equal(t, http.StatusOK, status)
		f.fake.Revoke(text(answer, "access_token"))
		status, _ = f.use(text(answer, "access_token"))
		assert.Equal(t, http.StatusUnauthorized, status)
		status, _ = f.use("unknown")
		assert.Equal(t, http.StatusUnauthorized, status)
	})
}

func TestIssuedTokens(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		assert.Equal(t, []string{}, f.fake.Issued())
		_, refresh := f.signedIn()
		_, _ = f.refresh(refresh)
		issued := f.fake.Issued()
		require.Len(t, issued, 5)
		prefix := map[bool]string{true: "bb-", false: "entra-"}[f.inHeader]
		for i, kind := range []string{"code-", "access-", "refresh-", "access-", "refresh-"} {
			assert.True(t, strings.HasPrefix(issued[i], prefix+kind), issued[i][:12])
		}
		assert.Len(t, slices.Compact(slices.Sorted(slices.Values(issued))), 5, "all differ")
		log, err := json.Marshal([]any{f.world.Bitbucket.Requests(), f.world.AzureDevOps.Requests(), f.world.Entra.Requests()})
		require.NoError(t, err)
		for _, secret := range append(issued, "s3cret", verifier, challenge(), "a state", "a+state", "a%20state") {
			assert.NotContains(t, string(log), secret)
		}
		assert.Contains(t, string(log), "client_id=sei")
	})
}

// TestTokensAreOfWhoConsented changes who sits at the browser.
func TestTokensAreOfWhoConsented(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		access, refresh := f.signedIn()
		f.world.Bitbucket.SignIn(providertest.BitbucketToken{Email: "ned@example.com"})
		f.world.Entra.SignIn(providertest.AzureToken{Account: "ned@example.com"})
		_, body := f.refresh(refresh)
		for _, token := range []string{access, text(body, "access_token")} {
			_, who := f.use(token)
			assert.Contains(t, who, "mia")
		}
		other, _ := f.signedIn()
		_, who := f.use(other)
		assert.Contains(t, who, "ned")
	})
}

func TestBitbucketScopes(t *testing.T) {
	const root = "https://api.bitbucket.org/2.0"
	for name, tc := range map[string]struct {
		scopes                      []string
		user, workspace, repository int
	}{
		"account":            {[]string{"account"}, 200, 200, 403},
		"repository":         {[]string{"repository"}, 403, 403, 200},
		"what implies":       {[]string{"account:write", "pullrequest"}, 200, 200, 200},
		"names of API token": {[]string{"read:user:bitbucket", "read:repository:bitbucket"}, 403, 403, 403},
		"nothing":            {nil, 403, 403, 403},
	} {
		t.Run(name, func(t *testing.T) {
			f := flows(t)["bitbucket"]
			f.fake.AddClient(providertest.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Scopes: tc.scopes})
			access, _ := f.signedIn()
			as := []string{"Authorization", "Bearer " + access}
			ask(t, f.world, []question{
				{"user", "GET", root + "/user", "", as, tc.user},
				{"workspaces", "GET", root + "/user/workspaces", "", as, tc.workspace},
				{"repositories", "GET", root + "/repositories/acme", "", as, tc.repository},
				{"no password", "GET", root + "/user", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("mia@example.com:"+access))}, 401},
				{"no parameter", "GET", root + "/user?access_token=" + access, "", nil, 401},
			})
		})
	}
	f := flows(t)["bitbucket"]
	access, _ := f.signedIn()
	_, body := f.caller.do(http.MethodGet, root+"/repositories/acme", "", "Authorization", "Bearer "+access)
	assert.JSONEq(t, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"required":["repository"],"granted":["account"]}}}`, body)
}

// TestBitbucketSecrets sends a secret as RFC 6749 wants it in a header, and as curl
// does.
func TestBitbucketSecrets(t *testing.T) {
	f := flows(t)["bitbucket"]
	f.fake.AddClient(providertest.OAuthClient{ID: "sei", Secret: "a+b/c", RedirectURI: callback})
	for _, pair := range []string{"sei:a+b/c", "sei:a%2Bb%2Fc"} {
		status, _ := f.post(byCode(f.code()), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		assert.Equal(t, http.StatusOK, status, pair)
	}
}

func TestAPITokensAreNoBearers(t *testing.T) {
	w := providertest.NewWorld()
	t.Cleanup(w.Close)
	w.Bitbucket.AddAPIToken("mia@example.com", "plain", "read:user:bitbucket")
	ask(t, w, []question{
		{"an API token is none", "GET", "https://api.bitbucket.org/2.0/user", "", []string{"Authorization", "Bearer plain"}, 401},
		{"an API token works as ever", "GET", "https://api.bitbucket.org/2.0/user", "", []string{"Authorization", "Basic bWlhQGV4YW1wbGUuY29tOnBsYWlu"}, 200},
	})
}

func TestAzureDevOpsScopes(t *testing.T) {
	const org = "https://dev.azure.com/contoso"
	for name, tc := range map[string]struct {
		asked           string
		client, account []string
		told            string
		code, build     int
	}{
		"everything":           {".default", nil, nil, azureScope + "user_impersonation " + azureScope + ".default", 200, 200},
		"what is registered":   {".default", []string{"vso.code"}, nil, azureScope + "vso.code " + azureScope + ".default", 200, 401},
		"what is asked for":    {"vso.build", nil, nil, azureScope + "vso.build", 401, 200},
		"what the account has": {".default", []string{"vso.code", "vso.build"}, []string{"vso.code"}, azureScope + "vso.code " + azureScope + ".default", 200, 401},
	} {
		t.Run(name, func(t *testing.T) {
			f := flows(t)["entra"]
			f.scope = azureScope + tc.asked + " offline_access"
			f.fake.AddClient(providertest.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Scopes: tc.client})
			f.world.Entra.SignIn(providertest.AzureToken{Account: "mia@example.com", Organization: "contoso", Scopes: tc.account})
			f.world.AzureDevOps.AddOrganization(providertest.AzureOrganization{Name: "fabrikam"})
			f.world.AzureDevOpsServer.AddOrganization(providertest.AzureOrganization{Name: "main"})
			status, body := f.post(byCode(f.code()))
			require.Equal(t, 200, status, body)
			assert.Equal(t, tc.told, body["scope"])
			as := []string{"Authorization", "Bearer " + text(body, "access_token")}
			ask(t, f.world, []question{
				{"code", "GET", org + "/Web/_apis/git/repositories?api-version=7.1", "", as, tc.code},
				{"build", "GET", org + "/Web/_apis/build/definitions?api-version=7.1", "", as, tc.build},
				{"another organisation", "GET", "https://dev.azure.com/fabrikam/_apis/connectionData?api-version=7.1-preview", "", as, 203},
				{"a server trusts nobody", "GET", "https://devops.example.com/tfs/main/_apis/projects?api-version=7.1", "", as, 401},
				{"no password", "GET", org + "/_apis/connectionData?api-version=7.1-preview", "", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+text(body, "access_token")))}, 203},
			})
		})
	}
}

func TestEntraScopesOfTokens(t *testing.T) {
	f := flows(t)["entra"]
	f.scope = azureScope + "vso.code " + azureScope + "vso.build openid offline_access"
	status, body := f.post(byCode(f.code()))
	require.Equal(t, http.StatusOK, status, body)
	assert.NotEmpty(t, body["id_token"])
	renew := func(scope string) (int, map[string]any) {
		return f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(body, "refresh_token")}, "scope": {scope}})
	}
	status, less := renew(azureScope + "vso.code")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, azureScope+"vso.code", less["scope"])
	assert.NotContains(t, less, "id_token")
	for _, scope := range []string{azureScope + ".default", azureScope + "vso.work"} {
		status, more := renew(scope)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "consent_required", more["suberror"])
	}
	assert.Equal(t, 1, f.fake.Refreshes())

	f.scope = azureScope + ".default"
	status, body = f.post(byCode(f.code()))
	assert.Equal(t, http.StatusOK, status)
	assert.NotContains(t, body, "refresh_token", "without offline_access")
}

// TestTokenAnswers compares what the fakes answer with what is recorded.
func TestTokenAnswers(t *testing.T) {
	like := func(t *testing.T, a providertest.Answer, status int, body map[string]any) {
		t.Helper()
		var recorded map[string]any
		require.NoError(t, json.Unmarshal([]byte(a.Body), &recorded))
		assert.Equal(t, a.Status, status)
		assert.Equal(t, slices.Sorted(maps.Keys(recorded)), slices.Sorted(maps.Keys(body)))
		for _, name := range []string{"error", "error_codes", "error_uri", "suberror", "expires_in", "token_type", "state"} {
			assert.Equal(t, recorded[name], body[name], name)
		}
		was, _, _ := strings.Cut(text(recorded, "error_description"), " '")
		assert.True(t, strings.HasPrefix(text(body, "error_description"), strings.Split(was, "\r\n")[0][:min(len(was), 60)]), body["error_description"])
		if strings.Contains(text(recorded, "error_description"), "\r\n") {
			assert.Regexp(t, `\r\nTrace ID: [0-9a-f-]{36}\r\nCorrelation ID: [0-9a-f-]{36}\r\nTimestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`, body["error_description"])
		}
	}
	t.Run("bitbucket", func(t *testing.T) {
		f, answers := flows(t)["bitbucket"], providertest.BitbucketOAuthAnswers()
		f.world.Bitbucket.TellScopesAs("scopes")
		code := f.code()
		status, first := f.post(byCode(code))
		like(t, answers["oauth_token_success"], status, first)
		assert.Equal(t, "account", first["scopes"])
		status, body := f.post(byCode(code))
		like(t, answers["oauth_invalid_grant"], status, body)
		status, body = f.refresh(text(first, "refresh_token"))
		like(t, answers["oauth_refresh_success"], status, body)
		status, body = f.refresh(text(first, "refresh_token"))
		like(t, answers["oauth_invalid_refresh_token"], status, body)
		f.world.Bitbucket.TellScopesAs("scope")
		_, body = f.post(byCode(f.code()))
		assert.Equal(t, "account", body["scope"])
		assert.NotContains(t, body, "scopes")
	})
	t.Run("entra", func(t *testing.T) {
		f, answers := flows(t)["entra"], providertest.EntraAnswers()
		f.scope = azureScope + "vso.code openid offline_access"
		code := f.code()
		status, first := f.post(byCode(code))
		like(t, answers["token_success"], status, first)
		status, body := f.post(byCode(code))
		like(t, answers["code_already_redeemed"], status, body)
		status, body = f.refresh(text(first, "refresh_token"))
		like(t, answers["token_refresh_success"], status, body)
		status, body = f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(first, "refresh_token")}, "scope": {azureScope + "vso.work"}})
		like(t, answers["consent_required"], status, body)
		status, body = f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(first, "refresh_token")}, "scope": {"https://foo.microsoft.com/mail.read"}})
		delete(body, "error_uri")
		like(t, answers["invalid_scope"], status, body)
		status, body = f.post(changed(byCode(f.code()), "client_id", "sei", "client_secret", "other"))
		like(t, answers["invalid_client_secret"], status, body)
		_, stale := f.signedIn()
		f.pass(90 * 24 * time.Hour)
		status, body = f.refresh(stale)
		like(t, answers["refresh_expired_inactive"], status, body)
		_, fresh := f.signedIn()
		f.fake.RevokeGrants()
		status, body = f.refresh(fresh)
		like(t, answers["refresh_revoked"], status, body)
	})
}

func TestControlOfAuthorization(t *testing.T) {
	w := providertest.NewWorld()
	t.Cleanup(w.Close)
	control := httptest.NewServer(w.Control())
	t.Cleanup(control.Close)
	remote := caller{t, http.DefaultClient}
	f := flows(t) // for its addresses
	for name, account := range map[string]string{"bitbucket": `{"email":"mia@example.com"}`, "entra": `{"account":"mia@example.com","organization":"contoso"}`} {
		t.Run(name, func(t *testing.T) {
			f := f[name]
			f.t, f.world, f.caller = t, w, newCaller(t, w)
			change := func(method, path, body string) {
				t.Helper()
				status, text := remote.do(method, control.URL+"/"+name+path, body)
				assert.Equal(t, http.StatusNoContent, status, text)
			}
			tell := func(path string) string {
				_, body := remote.do(http.MethodGet, control.URL+"/"+name+path, "")
				return strings.TrimSpace(body)
			}
			assert.Equal(t, "[]", tell("/issued"))
			change("POST", "/clients", `{"client_id":"sei","client_secret":"s3cret","redirect_uri":"`+callback+`","tenant":"`+entraTenant+`"}`)
			change("POST", "/signin", account)
			change("POST", "/life", `{"seconds":5}`)
			status, body := f.post(byCode(f.code()))
			require.Equal(t, http.StatusOK, status)
			assert.InDelta(t, 5, body["expires_in"], 0)
			status, body = f.refresh(text(body, "refresh_token"))
			require.Equal(t, http.StatusOK, status)
			assert.Equal(t, "1", tell("/refreshes"))
			var issued []string
			require.NoError(t, json.Unmarshal([]byte(tell("/issued")), &issued))
			assert.Len(t, issued, 5)
			change("DELETE", "/access", "")
			change("DELETE", "/grants", "")
			status, _ = f.refresh(text(body, "refresh_token"))
			assert.Equal(t, http.StatusBadRequest, status)
			for path, bad := range map[string]string{"/clients": "x", "/signin": "x", "/life": "{}"} {
				for _, body := range []string{bad, "x"} {
					status, _ = remote.do(http.MethodPost, control.URL+"/"+name+path, body)
					assert.Equal(t, http.StatusBadRequest, status, path)
				}
			}
		})
	}
	status, _ := remote.do(http.MethodPost, control.URL+"/github/clients", "{}")
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = remote.do(http.MethodGet, control.URL+"/github/issued", "")
	assert.Equal(t, http.StatusNotFound, status)
}
