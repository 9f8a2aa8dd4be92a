package catalogtest_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

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
		f.fake.AddClient(authserver.OAuthClient{ID: "other", Secret: "s3cret", RedirectURI: callback, Scopes: []string{"account"}})
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
		f.world.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ned@example.com"})
		f.world.Entra.SignIn(azuredevopstest.AzureToken{Account: "ned@example.com"})
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
		f, answers := flows(t)["bitbucket"], bitbuckettest.BitbucketOAuthAnswers()
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
		f, answers := flows(t)["entra"], azuredevopstest.EntraAnswers()
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
