package catalogtest_test

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
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
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
	AddClient(c authserver.OAuthClient)
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
	world          *catalogtest.World
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
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	client := authserver.OAuthClient{ID: "sei", Secret: "s3cret", RedirectURI: callback, Tenant: entraTenant}
	w.Entra.AddClient(client)
	client.Scopes = []string{"account"}
	w.Bitbucket.AddClient(client)
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Members: []string{"mia@example.com"}})
	w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "mia@example.com"})
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
	w.Entra.SignIn(azuredevopstest.AzureToken{Account: "mia@example.com", Organization: "contoso"})
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
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.Bitbucket.AddClient(authserver.OAuthClient{ID: "sei", RedirectURI: callback})
	_, err := w.Consent("https://bitbucket.org/site/oauth2/authorize?client_id=sei&response_type=code", true)
	assert.ErrorContains(t, err, "401", "nobody is signed in")
}

// TestConsentPage looks at what a browser and a screen reader need.
func TestConsentPage(t *testing.T) {
	both(t, func(f *flow) {
		t := f.t
		f.fake.AddClient(authserver.OAuthClient{ID: "<script>", Secret: "x", RedirectURI: callback, Scopes: []string{"vso.code"}})
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

func TestControlOfAuthorization(t *testing.T) {
	w := catalogtest.NewWorld()
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
