package sei

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// An error in the place of a code is the vendor's refusal, or a fault that passes.
func TestWhatABrowserIsSentBackWith(t *testing.T) {
	for _, status := range []int{400, 502} {
		codes := map[int][]string{
			400: {
				"access_denied", "consent_required", "interaction_required", "login_required", "invalid_scope", "unauthorized_client", "invalid_request",
				"unsupported_response_type", "invalid_resource", "invalid_client", "something_else",
			},
			502: {"server_error", "temporarily_unavailable"},
		}
		for _, code := range codes[status] {
			m := withOAuth(t)
			at, err := url.Parse(m.authorize(t))
			require.NoError(t, err)
			page := m.visit(t, body{"state": at.Query().Get("state"), "error": code}, status)
			assert.NotContains(t, page, "something_else")
			m.visit(t, body{"state": at.Query().Get("state"), "error": code}, 400)
		}
	}
}

// A hundred can be open. The oldest makes room, however fast they were begun.
func TestTheOldestAuthorizationMakesRoom(t *testing.T) {
	m := withOAuth(t)
	addresses := make([]string, 0, 102)
	for range 102 {
		addresses = append(addresses, m.authorize(t))
	}
	for n, status := range map[int]int{0: 400, 1: 400, 2: 200, 101: 200} {
		back, err := m.world.Consent(addresses[n], true)
		require.NoError(t, err)
		m.visit(t, queryOf(back), status)
	}
}

// After the mount was moved, the browser would come back to where it was. Vault names the
// mount with its namespace.
func TestARedirectURIOfAnotherMount(t *testing.T) {
	const host, other, slash = "https://vault.example.com", "is the callback of another mount", "ends with a slash"
	for mount, uris := range map[string]map[string]string{
		"moved/": {
			oauthCallbackURI:                        other,
			host + "/v1/moved/oauth/callback":       "",
			host + "/v1/removed/oauth/callback":     other,
			host + "/v1/team/moved/oauth/callback":  other, // moved out of team/
			host + "/v1/MOVED/oauth/callback":       other,
			host + "/v1/moved/moved/oauth/callback": other,
			host + "/v1/moved/oauth/callback/":      slash,
			host + "/v1/moved/oauth/callback//":     slash,
			host + "/v1/removed/oauth/callback/":    other,
			host + "/v1/auth/oidc/oauth/callback":   other,
			// Vault behind a prefix, or a page of somebody's own that looks like it.
			host + "/vault/v1/moved/oauth/callback":    "",
			host + "/vault/v1/moved/oauth/callback/":   slash,
			host + "/vault/v1/removed/oauth/callback":  "",
			host + "/v1/vault/v1/moved/oauth/callback": "",
			host + "/api/v1/oauth/callback":            "",
			host + "/v1/oauth/callback":                "",
			host + "/v1/oauth/callback/":               "",
			host + "/oauth/callback":                   "",
			host + "/v2/removed/oauth/callback":        "",
			host + "/v1/removed/oauth/callbacks":       "",
			host + "/v1/removed/oauth/callback/done":   "",
			host + "/a/page/of/our/own":                "",
			host + "/":                                 "",
			host:                                       "",
		},
		"team/moved/": {
			host + "/v1/team/moved/oauth/callback":       "",
			host + "/v1/moved/oauth/callback":            "", // something in front names the namespace
			host + "/v1/other/moved/oauth/callback":      other,
			host + "/v1/team/oauth/callback":             other,
			host + "/v1/eam/moved/oauth/callback":        other,
			host + "/v1/top/team/moved/oauth/callback":   other,
			host + "/v1/moved/oauth/callback/":           slash,
			host + "/vault/v1/team/moved/oauth/callback": "",
		},
		"": {host + "/v1/removed/oauth/callback": ""},
	} {
		m := withOAuth(t)
		ask := func(path string, data body) string {
			resp, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: path, MountPoint: mount, Storage: m.storage, Data: data})
			require.NoError(t, err)
			if resp == nil {
				return ""
			}
			require.False(t, resp.IsError(), "%s: %v", path, data)
			return strings.Join(resp.Warnings, "\n")
		}
		for uri, want := range uris {
			for what, told := range map[string]string{"written": ask("integrations/bb", body{"redirect_uri": uri}), "begun": ask("oauth/authorize/bb", nil)} {
				if want == "" {
					assert.Empty(t, told, "%s at %q, %s", uri, mount, what)
					continue
				}
				assert.Contains(t, told, want, "%s at %q, %s", uri, mount, what)
				if want == other {
					assert.Contains(t, told, "/v1/"+mount+"oauth/callback", "what it should be")
				}
			}
		}
	}
}

// The callback answers at its own path alone, which is why a slash after it is warned of.
func TestTheCallbackHasNoSlashAtItsEnd(t *testing.T) {
	m := withOAuth(t)
	_, err := m.HandleRequest(t.Context(), &logical.Request{Operation: logical.ReadOperation, Path: "oauth/callback/", Storage: m.storage})
	require.ErrorIs(t, err, logical.ErrUnsupportedPath)
	assert.NotContains(t, m.SpecialPaths().Unauthenticated, "oauth/callback/")
}

// One refusal of a refresh token is confirmed before it is final.
func TestARefusalThatPasses(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	before, _ := m.read(t, "creds/bb")["access_token"].(string)
	m.pass(3 * time.Hour)
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Times: 1, Status: 400, Body: `{"error":"invalid_grant"}`})
	assert.NotEqual(t, before, m.read(t, "creds/bb")["access_token"])
	m.pass(3 * time.Hour)
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Status: 400, Body: `{"error":"invalid_request","error_description":"Invalid refresh_token"}`})
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 400, "credential_rejected")
	assert.Equal(t, "needs_reauth", m.read(t, "health/bb")["status"])
}

// The pause after a refresh that failed is over with the credential that it was of.
func TestAPauseEndsWithItsCredential(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	m.pass(3 * time.Hour)
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "600"}})
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 400, "upstream_rate_limited")
	m.refused(t, logical.ReadOperation, "creds/bb", nil, 400, "upstream_rate_limited")
	m.world.Bitbucket.SetLife(6 * time.Minute)
	m.visit(t, m.consent(t), 200)
	swapped := m.read(t, "creds/bb")
	m.pass(5 * time.Minute) // within the pause of the one before
	r := m.ok(t, logical.ReadOperation, "creds/bb", nil)
	assert.Empty(t, r.warnings)
	assert.EqualValues(t, 2, r.data["version"])
	assert.NotEqual(t, swapped["access_token"], r.data["access_token"])
}

// withEntra has integration ado, of Azure DevOps with OAuth, and a credential.
func withEntra(t *testing.T) *oauthMount {
	t.Helper()
	m := newWorldMount(t)
	const tenant = "00000000-0000-0000-0000-0000000000aa"
	m.world.Entra.SetClock(m.now)
	m.world.Entra.AddClient(authserver.OAuthClient{ID: "engine", Secret: oauthTestedSecret, RedirectURI: oauthCallbackURI, Tenant: tenant, Scopes: []string{"vso.work", "vso.project"}})
	m.world.Entra.SignIn(azuredevopstest.AzureToken{Account: email, Organization: "contoso"})
	m.world.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
	m.write(t, "integrations/ado", body{
		"provider": "azure_devops", "auth_type": "oauth", "organization": "contoso", "service": "boards", "tenant_id": tenant,
		"client_id": "engine", "client_secret": oauthTestedSecret, "redirect_uri": oauthCallbackURI,
		"proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM(),
	})
	return m
}

// begun is what a browser brings back for integration ado.
func (m *oauthMount) begun(t *testing.T) body {
	t.Helper()
	address, _ := m.write(t, "oauth/authorize/ado", nil).data["authorize_url"].(string)
	back, err := m.world.Consent(address, true)
	require.NoError(t, err)
	return queryOf(back)
}

// What Entra says of a person is no verdict on the code or the refresh token.
func TestEntraBlocks(t *testing.T) {
	m := withEntra(t)
	fails := func(said string) {
		m.world.Entra.Behave(providertest.Fault{Path: "/token", Status: 400, Body: `{"error":"invalid_grant",` + said + `}`})
	}
	for said, words := range map[string]string{
		`"error_codes":[65001],"suberror":"consent_required"`: "insufficient_scope", `"error_codes":[53003],"suberror":"message_only"`: "conditional access",
		`"error_codes":[50057]`: "disabled", `"error_codes":[50055]`: "password", `"error_codes":[50076]`: "sign in again",
	} {
		query := m.begun(t)
		fails(said)
		page := m.visit(t, query, 400)
		assert.Contains(t, page, words)
		assert.NotContains(t, page, "used already")
		m.world.Entra.Behave(providertest.Fault{})
	}
	m.visit(t, m.begun(t), 200)
	for _, said := range []string{`"error_codes":[53003],"suberror":"message_only"`, `"error_codes":[50057]`, `"error_codes":[50105]`, `"error_codes":[70000]`} {
		m.pass(3 * time.Hour)
		fails(said)
		m.refused(t, logical.ReadOperation, "creds/ado", nil, 400, "account_blocked")
		assert.NotEqual(t, "needs_reauth", m.write(t, "health/ado", nil).data["status"])
		m.world.Entra.Behave(providertest.Fault{})
		m.pass(10 * time.Minute)
		assert.NotEmpty(t, m.read(t, "creds/ado")["access_token"], "nobody had to consent again")
	}
}

// A hostile token endpoint puts what it was sent into the host of a redirect.
func TestATokenEndpointRepeatsWhatItWasSent(t *testing.T) {
	m := withOAuth(t)
	const secret = "Client-Secret-of-Mia"
	var caught []string // what was sent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		caught = append(caught, password, r.FormValue("code"), r.FormValue("code_verifier"), r.FormValue("refresh_token"))
		w.Header().Set("Location", "https://"+password+"."+r.FormValue("code")+".evil.example.com/")
		w.WriteHeader(http.StatusFound)
	}))
	defer server.Close()
	m.write(t, "config", body{"allowed_hosts": append(m.world.AllowedHosts(), "http://127.0.0.1")})
	m.write(t, "integrations/bb", body{"token_url": server.URL + "/token", "client_secret": secret, "proxy_url": "", "ca_cert": ""})
	told := strings.Builder{}
	for _, browser := range []bool{true, false} {
		u, err := url.Parse(m.authorize(t))
		require.NoError(t, err)
		back := body{"state": u.Query().Get("state"), "code": "One-Time-Code-of-Mia"}
		if browser {
			told.WriteString(m.visit(t, back, 502))
			continue
		}
		told.WriteString(m.refused(t, logical.UpdateOperation, "reauth/bb", back, 502, "upstream_error").message)
	}
	assert.Contains(t, told.String(), "check token_url")
	require.NotEmpty(t, caught)
	for _, value := range caught {
		if value != "" {
			assert.NotContains(t, strings.ToLower(told.String()), strings.ToLower(value))
		}
	}
}

// hostLetter keeps what a host's name may hold.
func hostLetter(r rune) rune {
	if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", r) {
		return r
	}
	return '-'
}

// Where the endpoint turns hostile later, the same goes for the refresh token.
func TestATokenEndpointRepeatsARefreshToken(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	issued := m.world.Bitbucket.Issued()
	for _, soon := range []time.Duration{2*time.Hour - 10*time.Minute, 2 * time.Hour} {
		for _, secret := range append(issued, oauthTestedSecret) {
			if strings.HasPrefix(secret, "bb-code-") {
				continue // it was good once, and is not kept
			}
			host := strings.ToLower(strings.Trim(strings.Map(hostLetter, secret), "-."))
			m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Status: 302, Header: map[string]string{"Location": "https://" + host + ".evil.example.com/"}})
			m.pass(soon / 4)
			told := fmt.Sprint(m.do(t, logical.ReadOperation, "creds/bb", nil), m.do(t, logical.UpdateOperation, "health/bb", nil).data, m.read(t, "health/bb"), m.do(t, logical.UpdateOperation, "rotate/bb", nil))
			assert.Contains(t, told, "check token_url")
			assert.NotContains(t, told, host, "in whatever letter case")
		}
	}
}

// An access token that is refused before its end is renewed before a person is asked.
func TestAnAccessTokenRefusedBeforeItsEnd(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	token := func() string {
		text, _ := m.read(t, "creds/bb")["access_token"].(string)
		return text
	}
	dead := token()
	m.world.Bitbucket.Revoke(dead)
	r := m.write(t, "health/bb", nil)
	assert.Equal(t, "healthy", r.data["status"], r.data["message"])
	assert.Contains(t, strings.Join(r.warnings, "\n"), "renewed")
	assert.NotEqual(t, dead, token())
	assert.True(t, m.works(t, token()))
	assert.Equal(t, 1, m.world.Bitbucket.Refreshes())
	entries, _ := m.read(t, "history/bb")["entries"].([]map[string]any)
	assert.Equal(t, "refresh", entries[0]["cause"])
	assert.Equal(t, "health/bb", entries[0]["via"])
	assert.Empty(t, m.write(t, "health/bb", nil).warnings)

	// Where the refresh token is refused, too, that is final.
	m.world.Bitbucket.Revoke(token())
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Status: 400, Body: `{"error":"invalid_grant"}`})
	assert.Equal(t, "needs_reauth", m.write(t, "health/bb", nil).data["status"])
	m.world.Bitbucket.Behave(providertest.Fault{})
	assert.Equal(t, "needs_reauth", m.write(t, "health/bb", nil).data["status"])
	assert.Equal(t, 1, m.world.Bitbucket.Refreshes(), "it is not asked for again")
	m.visit(t, m.consent(t), 200)

	// Where it cannot be renewed now, nothing is final.
	m.world.Bitbucket.Revoke(token())
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/access_token", Status: 503})
	r = m.write(t, "health/bb", nil)
	assert.Equal(t, "unreachable", r.data["status"])
	assert.Contains(t, r.data["message"], "refuses the access token before its end")
	m.world.Bitbucket.Behave(providertest.Fault{})
	m.pass(time.Minute)
	assert.Equal(t, "healthy", m.write(t, "health/bb", nil).data["status"])

	// Where the new token is refused as well, that is final, and renewed once.
	before := m.world.Bitbucket.Refreshes()
	m.world.Bitbucket.Behave(providertest.Fault{Path: "/2.0/user", Status: 401, Header: map[string]string{"Content-Type": "application/json"}, Body: `{"type":"error","error":{"message":"Token is invalid or not supported for this endpoint."}}`})
	for range 3 {
		assert.Equal(t, "needs_reauth", m.write(t, "health/bb", nil).data["status"])
	}
	assert.Equal(t, before+1, m.world.Bitbucket.Refreshes())
}

// A refresh token that Entra says is over is over, whatever stands beside the number, and
// what passes is no verdict.
func TestEntraNumbers(t *testing.T) {
	m := withEntra(t)
	for said, code := range map[string]string{
		`"invalid_grant","error_codes":[700082],"suberror":"message_only"`: "credential_rejected",
		`"invalid_grant","error_codes":[70008]`:                            "credential_rejected",
		`"invalid_grant","error_codes":[9002313]`:                          "credential_rejected",
		`"invalid_request","error_codes":[9002313]`:                        "upstream_error",
		`"invalid_grant","error_codes":[50196]`:                            "upstream_error",
		`"invalid_grant","error_codes":[90055]`:                            "upstream_error",
	} {
		m.visit(t, m.begun(t), 200)
		m.pass(3 * time.Hour)
		m.world.Entra.Behave(providertest.Fault{Path: "/token", Status: 400, Body: `{"error":` + said + `}`})
		r := m.do(t, logical.ReadOperation, "creds/ado", nil)
		assert.Equal(t, code, r.data["code"], said)
		m.world.Entra.Behave(providertest.Fault{})
	}
}

// Why Entra renews nothing any more is told to whoever must act, in the engine's words and
// until they have acted. What it says of itself alone is asked again.
func TestWhyEntraEndsAConsent(t *testing.T) {
	recorded := azuredevopstest.EntraAnswers()
	body := func(said string) providertest.Answer {
		return providertest.Answer{Status: 400, Body: `{"error":"invalid_grant",` + said + `}`}
	}
	for name, c := range map[string]struct {
		answer providertest.Answer
		says   string
	}{
		"consent_required":          {recorded["consent_required"], "nobody has consented"},
		"refresh_revoked":           {recorded["refresh_revoked"], "it was revoked"},
		"refresh_expired_inactive":  {recorded["refresh_expired_inactive"], "nobody used it for too long"},
		"refresh_sign_in_frequency": {recorded["refresh_sign_in_frequency"], "bounds how long a sign-in lasts"},
		"refresh_sign_in_again":     {recorded["refresh_sign_in_again"], "the person must sign in again"},
		"a second factor":           {body(`"error_codes":[50076],"suberror":"basic_action"`), "a second factor"},
		"a password":                {body(`"error_codes":[50055],"suberror":"user_password_expired"`), "the password of the account has expired"},
		"a page of its own":         {body(`"error_codes":[700084]`), "registered for the platform Web"},
		"no account":                {body(`"error_codes":[50034]`), "does not have the account any more"},
		"no number":                 {body(`"suberror":"consent_required"`), "nobody has consented"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withEntra(t)
			m.visit(t, m.begun(t), 200)
			m.pass(3 * time.Hour)
			m.world.Entra.Behave(c.answer.At("/token"))
			refused := m.refused(t, logical.ReadOperation, "creds/ado", nil, 400, "credential_rejected").message
			seen := m.read(t, "health/ado")
			assert.Equal(t, "needs_reauth", seen["status"])
			for _, told := range []string{refused, fmt.Sprint(seen["message"])} {
				assert.Contains(t, told, c.says)
				assert.Contains(t, told, "write to oauth/authorize/ado")
				assert.NotContains(t, told, "AADSTS")
				assert.NotContains(t, told, "Trace ID")
			}
			m.world.Entra.Behave(providertest.Fault{})
			m.refused(t, logical.ReadOperation, "creds/ado", nil, 400, "credential_rejected")
			m.visit(t, m.begun(t), 200)
			assert.Equal(t, "healthy", m.write(t, "health/ado", nil).data["status"])
		})
	}
}

// A reason that is not known, or that is no reason, ends nothing, and says what to do if it
// stays.
func TestWhatEntraDoesNotDecide(t *testing.T) {
	recorded := azuredevopstest.EntraAnswers()
	for name, c := range map[string]struct {
		answer providertest.Answer
		says   string
	}{
		"not now":              {recorded["refresh_not_taken_now"], "it is asked again later"},
		"an unknown number":    {providertest.Answer{Status: 400, Body: `{"error":"invalid_grant","error_codes":[50999],"suberror":"bad_token"}`}, "the number 50999"},
		"an unknown challenge": {providertest.Answer{Status: 400, Body: `{"error":"interaction_required","error_codes":[50999],"suberror":"basic_action"}`}, "the number 50999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withEntra(t)
			m.visit(t, m.begun(t), 200)
			for range 3 {
				m.pass(3 * time.Hour)
				m.world.Entra.Behave(c.answer.At("/token"))
				refused := m.refused(t, logical.ReadOperation, "creds/ado", nil, 400, "account_blocked").message
				assert.Contains(t, refused, c.says)
				assert.Contains(t, refused, "consent again, with oauth/authorize/")
				assert.Equal(t, "degraded", m.write(t, "health/ado", nil).data["status"], "a person reads of it")
				m.world.Entra.Behave(providertest.Fault{})
				m.pass(10 * time.Minute)
				assert.NotEmpty(t, m.read(t, "creds/ado")["access_token"], "nobody had to consent again")
			}
		})
	}
}
