package catalog_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

const (
	tenant       = "00000000-0000-0000-0000-0000000000aa"
	callback     = "https://vault.example.com/v1/sei/oauth/callback"
	clientSecret = "a-client-secret-of-the-test"
)

// oauthCase is a provider with an OAuth client in a World, and the fake of its
// authorization server.
type oauthCase struct {
	provider, path string
	target         providers.Target
	server         interface {
		providertest.Fake
		AddClient(c authserver.OAuthClient)
		Issued() []string
		Refreshes() int
		RevokeGrants()
	}
}

func oauthCases(t *testing.T, w *catalogtest.World) map[string]oauthCase {
	t.Helper()
	client := func(s providers.Settings) providers.Settings {
		s.Texts["client_id"], s.Texts["redirect_uri"] = "engine", callback
		s.Secrets["client_secret"] = providers.NewSecret(clientSecret)
		return s
	}
	w.Bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: clientSecret, RedirectURI: callback, Scopes: []string{"account", "repository"}})
	w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: email})
	w.Entra.AddClient(authserver.OAuthClient{ID: "engine", Secret: clientSecret, RedirectURI: callback, Tenant: tenant, Scopes: []string{"vso.work", "vso.project"}})
	w.Entra.SignIn(azuredevopstest.AzureToken{Account: email, Organization: "contoso"})
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
	return map[string]oauthCase{
		"Bitbucket": {"bitbucket", "/access_token", w.Wire(providers.Target{
			URL: "https://bitbucket.org", AuthType: "oauth", Settings: client(texts()),
		}), w.Bitbucket},
		"Microsoft Entra": {"azure_devops", "/token", w.Wire(providers.Target{
			URL: "https://dev.azure.com", AuthType: "oauth", Settings: client(texts("organization", "contoso", "service", "boards", "tenant_id", tenant)),
		}), w.Entra},
	}
}

// eachOAuth runs a test for both authorization servers, in a World of its own.
func eachOAuth(t *testing.T, test func(t *testing.T, w *catalogtest.World, c oauthCase)) {
	t.Helper()
	for _, name := range []string{"Bitbucket", "Microsoft Entra"} {
		t.Run(name, func(t *testing.T) {
			w := catalogtest.NewWorld()
			defer w.Close()
			test(t, w, oauthCases(t, w)[name])
		})
	}
}

func (c oauthCase) client(t *testing.T) providers.OAuthClient {
	t.Helper()
	authorizer, ok := provider(t, c.provider).(providers.Authorizer)
	require.True(t, ok)
	client, err := authorizer.OAuth(c.target)
	require.NoError(t, err)
	return client
}

func hidden(text string) providers.Secret { return providers.NewSecret(text) }

var verifier = strings.Repeat("v", 43) //nolint:gochecknoglobals // a constant

// consent returns the code that a browser brings back.
func (c oauthCase) consent(t *testing.T, w *catalogtest.World) providers.Secret {
	t.Helper()
	back, err := w.Consent(c.client(t).AuthorizeURL(hidden("a-state"), hidden(verifier)), true)
	require.NoError(t, err)
	require.Equal(t, "a-state", back.Query().Get("state"))
	require.True(t, strings.HasPrefix(back.String(), callback+"?"))
	require.NotEmpty(t, back.Query().Get("code"), back.Query().Get("error_description"))
	return hidden(back.Query().Get("code"))
}

func TestOAuthFromConsentToRefresh(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		client := c.client(t)
		assert.Equal(t, callback, client.RedirectURI())
		require.NoError(t, client.Callable())
		grant, err := client.Exchange(t.Context(), c.consent(t, w), hidden(verifier))
		require.NoError(t, err)
		assert.NotEmpty(t, grant.Scopes)
		assert.Greater(t, grant.Life, 50*time.Minute)
		checked := func(grant providers.Grant) providers.Verified {
			v, err := provider(t, c.provider).Validate(t.Context(), c.target, secrets("access_token", grant.AccessToken.Reveal()))
			require.NoError(t, err)
			return v
		}
		v := checked(grant)
		assert.NotEmpty(t, v.AccountID)
		assert.NotEmpty(t, v.Identity)

		c.server.Forget()
		again, err := client.Refresh(t.Context(), grant.RefreshToken)
		require.NoError(t, err)
		assert.NotEqual(t, grant.AccessToken.Reveal(), again.AccessToken.Reveal())
		assert.NotEqual(t, grant.RefreshToken.Reveal(), again.RefreshToken.Reveal())
		assert.Equal(t, v, checked(again), "the same account")
		for _, r := range c.server.Requests() {
			if strings.HasSuffix(r.Path, c.path) {
				assert.Equal(t, "POST", r.Method)
				assert.Equal(t, "vault-plugin-secrets-sei/1.2.3-test", r.UserAgent)
				assert.Equal(t, c.provider == "bitbucket", r.Auth == "Basic", "each vendor has its own way to authenticate a client")
			}
		}
	})
}

func TestAuthorizeURL(t *testing.T) {
	eachOAuth(t, func(t *testing.T, _ *catalogtest.World, c oauthCase) {
		t.Helper()
		at, err := url.Parse(c.client(t).AuthorizeURL(hidden("a-state"), hidden(verifier)))
		require.NoError(t, err)
		query := at.Query()
		assert.Equal(t, "S256", query.Get("code_challenge_method"))
		assert.Equal(t, map[string]string{"bitbucket": "", "azure_devops": "select_account"}[c.provider], query.Get("prompt"))
		assert.Len(t, query.Get("code_challenge"), 43)
		assert.NotContains(t, at.String(), verifier)
		assert.NotContains(t, at.String(), clientSecret)
		assert.Equal(t, map[string]string{"bitbucket": "", "azure_devops": "499b84ac-1321-427f-aa17-267ca6975798/.default offline_access"}[c.provider], query.Get("scope"))
		assert.Equal(t, map[string]string{
			"bitbucket": "https://bitbucket.org/site/oauth2/authorize", "azure_devops": "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/authorize",
		}[c.provider], at.Scheme+"://"+at.Host+at.Path)
	})
}

// Another verifier than the one the authorization began with, and another secret.
func TestOAuthProofs(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		_, err := c.client(t).Exchange(t.Context(), c.consent(t, w), hidden(strings.Repeat("w", 43)))
		assert.Equal(t, providers.Rejected, asError(t, err).Outcome)

		code := c.consent(t, w)
		wrong := c
		wrong.target.Settings = c.target.Settings.Clone()
		wrong.target.Settings.Secrets["client_secret"] = hidden("another-secret-of-the-test")
		_, err = wrong.client(t).Exchange(t.Context(), code, hidden(verifier))
		failure := asError(t, err)
		assert.Equal(t, providers.InvalidField, failure.Outcome)
		assert.Equal(t, []string{"client_id", "client_secret"}, failure.Fields)
		quotesNothing(t, c, err, "another-secret-of-the-test", code.Reveal())
		_, err = c.client(t).Exchange(t.Context(), code, hidden(verifier))
		require.NoError(t, err, "the code was not used up")
		_, err = c.client(t).Exchange(t.Context(), code, hidden(verifier))
		assert.Equal(t, providers.Rejected, asError(t, err).Outcome, "now it is")
		quotesNothing(t, c, err, code.Reveal())
	})
}

func TestRevokedConsent(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		grant, err := c.client(t).Exchange(t.Context(), c.consent(t, w), hidden(verifier))
		require.NoError(t, err)
		c.server.RevokeGrants()
		_, err = c.client(t).Refresh(t.Context(), grant.RefreshToken)
		assert.Equal(t, providers.Rejected, asError(t, err).Outcome)
		quotesNothing(t, c, err, grant.RefreshToken.Reveal())
	})
}

func TestRequiredScopesOfAGrant(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		have := map[string]string{"bitbucket": "repository", "azure_devops": "vso.work"}[c.provider]
		c.target.Settings.Lists["required_scopes"] = []string{have}
		grant, err := c.client(t).Exchange(t.Context(), c.consent(t, w), hidden(verifier))
		require.NoError(t, err)
		_, err = provider(t, c.provider).Validate(t.Context(), c.target, secrets("access_token", grant.AccessToken.Reveal()))
		require.NoError(t, err)
		c.target.Settings.Lists["required_scopes"] = []string{have, "webhook"}
		_, err = c.client(t).Exchange(t.Context(), c.consent(t, w), hidden(verifier))
		failure := asError(t, err)
		assert.Equal(t, providers.InsufficientScope, failure.Outcome)
		assert.Equal(t, []string{"webhook"}, failure.Missing)
	})
}

// What each answer of a token endpoint means for a code and for a refresh token.
func TestTokenAnswers(t *testing.T) {
	type meaning struct{ exchange, refresh providers.Outcome }
	same := func(o providers.Outcome) meaning { return meaning{o, o} }
	documented := map[string]map[string]meaning{
		"bitbucket": {
			"oauth_token_success": {}, "oauth_refresh_success": {},
			"oauth_invalid_grant": same(providers.Rejected), "oauth_invalid_refresh_token": same(providers.Rejected),
		},
		"azure_devops": {
			"token_success": {}, "token_refresh_success": {},
			"code_already_redeemed": same(providers.Rejected), "refresh_revoked": same(providers.Rejected),
			"refresh_expired_inactive": same(providers.Rejected), "consent_required": {providers.InsufficientScope, providers.Rejected},
			"conditional_access_blocked": same(providers.AccountBlocked), "invalid_client_secret": same(providers.InvalidField),
			"refresh_sign_in_frequency": {providers.AccountBlocked, providers.Rejected}, "refresh_sign_in_again": same(providers.Rejected),
			"refresh_not_taken_now": {providers.Rejected, providers.AccountBlocked},
			"client_secret_expired": same(providers.InvalidField), "invalid_scope": same(providers.InsufficientScope),
		},
	}
	html := map[string]string{"Content-Type": "text/html"}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	undocumented := map[string]struct {
		fault providertest.Fault
		want  providers.Outcome
	}{
		"a page":                         {providertest.Fault{Status: 200, Header: html, Body: "<html>access_token=x</html>"}, providers.UpstreamError},
		"a form":                         {providertest.Fault{Status: 200, Header: form, Body: "access_token=a-token&expires_in=60"}, providers.UpstreamError},
		"no token":                       {providertest.Fault{Status: 200, Body: `{"token_type":"bearer"}`}, providers.UpstreamError},
		"an empty token":                 {providertest.Fault{Status: 200, Body: `{"access_token":"","token_type":"bearer"}`}, providers.UpstreamError},
		"a token of another kind":        {providertest.Fault{Status: 200, Body: `{"access_token":"a-token","token_type":"mac"}`}, providers.UpstreamError},
		"a token with 201":               {providertest.Fault{Status: 201, Body: `{"access_token":"a-token"}`}, providers.UpstreamError},
		"a refusal with 200":             {providertest.Fault{Status: 200, Body: `{"error":"invalid_grant","access_token":"a-token"}`}, providers.Rejected},
		"a token over two lines":         {providertest.Fault{Status: 200, Body: `{"access_token":"a-token\r\nX-Evil: 1"}`}, providers.UpstreamError},
		"a token without end":            {providertest.Fault{Status: 200, Body: `{"access_token":"a-token` + strings.Repeat("x", 20000) + `"}`}, providers.UpstreamError},
		"a refresh token in two":         {providertest.Fault{Status: 200, Body: `{"access_token":"a-token","refresh_token":"a b"}`}, providers.UpstreamError},
		"a redirect":                     {providertest.Fault{Status: 302, Header: map[string]string{"Location": catalogtest.ElsewhereURL}}, providers.UpstreamError},
		"an empty 400":                   {providertest.Fault{Status: 400}, providers.UpstreamError},
		"a 401 page":                     {providertest.Fault{Status: 401, Header: html, Body: "<html></html>"}, providers.UpstreamError},
		"invalid_request":                {providertest.Fault{Status: 400, Body: `{"error":"invalid_request"}`}, providers.UpstreamError},
		"temporarily_unavailable":        {providertest.Fault{Status: 400, Body: `{"error":"temporarily_unavailable"}`}, providers.UpstreamError},
		"a 500 that calls it invalid":    {providertest.Fault{Status: 500, Body: `{"error":"invalid_grant"}`}, providers.UpstreamError},
		"a limit":                        {providertest.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, providers.RateLimited},
		"a connection that breaks":       {providertest.Fault{Reset: true}, providers.Unreachable},
		"a connection that breaks later": {providertest.Fault{Status: 200, Body: `{"access_token":"a`, Cut: true}, providers.Unreachable},
	}
	eachOAuth(t, func(t *testing.T, _ *catalogtest.World, c oauthCase) {
		t.Helper()
		answers := map[string]map[string]providertest.Answer{"bitbucket": bitbuckettest.BitbucketOAuthAnswers(), "azure_devops": azuredevopstest.EntraAnswers()}[c.provider]
		ask := func(name string, fault providertest.Fault, want meaning) {
			t.Helper()
			fault.Path = c.path
			c.server.Behave(fault)
			for what, f := range map[string]func() (providers.Grant, error){
				"exchange": func() (providers.Grant, error) {
					return c.client(t).Exchange(t.Context(), hidden("a-code-of-the-test"), hidden(verifier))
				},
				"refresh": func() (providers.Grant, error) {
					return c.client(t).Refresh(t.Context(), hidden("a-refresh-token-of-the-test"))
				},
			} {
				c.server.Forget()
				grant, err := f()
				outcome := want.exchange
				if what == "refresh" {
					outcome = want.refresh
				}
				assert.Len(t, c.server.Requests(), 1, "%s: neither a code nor a refresh token is sent twice", name)
				if outcome == "" {
					require.NoError(t, err, name)
					assert.False(t, grant.AccessToken.Empty())
					continue
				}
				failure := asError(t, err)
				require.NotNil(t, failure, name)
				assert.Equal(t, outcome, failure.Outcome, "%s of %s: %s", what, name, failure.Detail)
				assert.Zero(t, grant)
				wellFormed(t, failure)
				quotesNothing(t, c, err, "a-code-of-the-test", "a-refresh-token-of-the-test", "a-token", "AADSTS")
			}
		}
		for name := range answers {
			want, known := documented[c.provider][name]
			require.True(t, known, "no case for the answer %s", name)
			ask(name, answers[name].At(""), want)
		}
		for name, u := range undocumented {
			ask(name, u.fault, same(u.want))
		}
		ask("interaction_required", providertest.Fault{Status: 400, Body: `{"error":"interaction_required"}`}, meaning{providers.AccountBlocked, providers.Rejected})
		if c.provider != "azure_devops" {
			return
		}
		blocked, dead, again := same(providers.AccountBlocked), same(providers.Rejected), meaning{providers.AccountBlocked, providers.Rejected}
		for said, want := range map[string]meaning{
			`"invalid_grant","error_codes":[53003],"suberror":"message_only"`:                                     blocked,
			`"interaction_required","error_codes":[53003],"suberror":"message_only"`:                              blocked,
			`"invalid_grant","error_codes":["53003"],"error_description":"AADSTS53003: Access has been blocked."`: blocked,
			`"invalid_grant","error_description":"AADSTS53003: Access has been blocked."`:                         blocked,
			`"invalid_grant","error_codes":[70002,53003]`:                                                         blocked,
			`"invalid_grant","suberror":"message_only"`:                                                           blocked,
			`"invalid_grant","error_codes":[50057]`:                                                               blocked,
			`"invalid_grant","error_codes":[50105]`:                                                               blocked,
			`"invalid_grant","error_codes":[70000]`:                                                               {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":[70000,50173]`:                                                         dead,
			`"invalid_grant","error_codes":[700082]`:                                                              dead,
			`"invalid_grant","error_codes":[50055],"suberror":"user_password_expired"`:                            again,
			`"invalid_grant","error_codes":[50076],"suberror":"basic_action"`:                                     again,
			`"interaction_required","error_codes":[50076]`:                                                        again,
			`"invalid_grant","error_codes":[70043],"suberror":"bad_token"`:                                        again,
			`"invalid_grant","error_codes":[65001]`:                                                               {providers.InsufficientScope, providers.Rejected},
			`"consent_required"`:                                                                                  {providers.InsufficientScope, providers.Rejected},
			`"invalid_grant","error_codes":[90033]`:                                                               same(providers.UpstreamError),
			`"bad_token"`:                                                                                         dead,
			// A number that nobody here knows is no verdict on a refresh token, whatever the word
			// beside it, and a code is used up anyway.
			`"invalid_grant","error_codes":[50999]`:                                             {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":["50999"]`:                                           {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_description":"AADSTS50999: No."`:                            {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":[50999,50998],"suberror":"bad_token"`:                {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":[50999],"suberror":"consent_required"`:               {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":[50999],"suberror":"user_password_expired"`:          {providers.Rejected, providers.AccountBlocked},
			`"invalid_grant","error_codes":[50999],"suberror":"message_only"`:                   {providers.Rejected, providers.AccountBlocked},
			`"interaction_required","error_codes":[50999],"suberror":"basic_action"`:            {providers.Rejected, providers.AccountBlocked},
			`"consent_required","error_codes":[50999]`:                                          {providers.InsufficientScope, providers.Rejected},
			`"bad_token","error_codes":[50999]`:                                                 dead,
			`"invalid_request","error_codes":[50999],"suberror":"bad_token"`:                    same(providers.UpstreamError),
			`"invalid_grant","error_codes":[50999,50173]`:                                       dead,
			`"invalid_grant","error_codes":[50999,53003]`:                                       blocked,
			`"invalid_grant","error_codes":{"a":1},"error_description":"AADSTS50173: Revoked."`: dead,
			`"invalid_grant"`:                                                dead,
			`"invalid_grant","suberror":"bad_token"`:                         dead,
			`"invalid_grant","suberror":"token_expired"`:                     again,
			`"invalid_grant","suberror":"something_new"`:                     dead,
			`"invalid_grant","error_codes":[],"suberror":"consent_required"`: {providers.InsufficientScope, providers.Rejected},
			// A request that is malformed says nothing of what stands in it, unless it says so itself.
			`"invalid_request","error_codes":[9002313]`:     same(providers.UpstreamError),
			`"invalid_grant","error_codes":[9002313]`:       dead,
			`"invalid_grant","error_codes":[9002313,53003]`: blocked,
			`"invalid_grant","error_codes":[700081]`:        dead,
			`"invalid_grant","error_codes":[50144]`:         again,
			`"invalid_grant","error_codes":[70044]`:         again,
			`"interaction_required","error_codes":[700020]`: again,
			`"invalid_grant","error_codes":[90024]`:         same(providers.UpstreamError),
			`"invalid_grant","error_codes":[50033]`:         same(providers.UpstreamError),
			// MicrosoftDocs/azure-docs issue 99814, recorded without the envelope.
			`"invalid_grant","error_codes":[70000],"error_description":"AADSTS70000: The user could not be authenticated or user interaction is required. The user must sign in again and if needed grant the client application access to the requested scope."`: {providers.Rejected, providers.Rejected},
		} {
			ask(said, providertest.Fault{Status: 400, Body: `{"error":` + said + `}`}, want)
		}
	})
}

// Answers with more or less than usual.
func TestGrants(t *testing.T) {
	eachOAuth(t, func(t *testing.T, _ *catalogtest.World, c oauthCase) {
		t.Helper()
		for body, look := range map[string]func(providers.Grant){
			`{"access_token":"an-access-token"}`: func(g providers.Grant) {
				assert.Equal(t, "refresh", g.RefreshToken.Reveal(), "the old one stays in use where none is issued")
				assert.Equal(t, 30*time.Minute, g.Life)
				assert.Nil(t, g.Scopes)
			},
			`{"access_token":"an-access-token","expires_in":"3600","scope":"b a  b"}`: func(g providers.Grant) {
				assert.Equal(t, time.Hour, g.Life)
				assert.Equal(t, []string{"a", "b"}, g.Scopes)
			},
			`{"access_token":"an-access-token","expires_in":-1,"scopes":"repository"}`: func(g providers.Grant) {
				assert.Equal(t, 30*time.Minute, g.Life)
				assert.Equal(t, []string{"repository"}, g.Scopes)
			},
			`{"access_token":"an-access-token","scope":"` + manyScopes() + `"}`: func(g providers.Grant) { assert.Len(t, g.Scopes, 256) },
			`{"access_token":"an-access-token","refresh_token":"r","scope":"499b84ac-1321-427f-aa17-267ca6975798/vso.work <b>"}`: func(g providers.Grant) {
				assert.Equal(t, "r", g.RefreshToken.Reveal())
				assert.Equal(t, []string{"vso.work"}, g.Scopes)
			},
		} {
			c.server.Behave(providertest.Fault{Path: c.path, Status: 200, Body: body})
			grant, err := c.client(t).Refresh(t.Context(), hidden("refresh"))
			require.NoError(t, err, body)
			look(grant)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", grant, grant, grant), "an-access-token")
		}
	})
}

func manyScopes() string {
	var names strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&names, "scope%d ", n)
	}
	return names.String()
}

func TestTokenEndpointIsJudgedLikeAnyHost(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		c.target.Settings.Texts["token_url"] = "https://not-listed.example.com/token"
		assert.Equal(t, providers.AddressNotAllowed, asError(t, c.client(t).Callable()).Outcome, "told before anybody consents")
		_, err := c.client(t).Exchange(t.Context(), hidden("a-code-of-the-test"), hidden(verifier))
		assert.Equal(t, providers.AddressNotAllowed, asError(t, err).Outcome)
		for _, host := range w.Dialled() {
			assert.NotContains(t, host, "not-listed")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		delete(c.target.Settings.Texts, "token_url")
		_, err = c.client(t).Exchange(ctx, hidden("a-code-of-the-test"), hidden(verifier))
		assert.Equal(t, providers.Unreachable, asError(t, err).Outcome)
	})
}

func TestOAuthSettings(t *testing.T) {
	eachOAuth(t, func(t *testing.T, _ *catalogtest.World, c oauthCase) {
		t.Helper()
		for _, bad := range []struct{ field, value string }{
			{"redirect_uri", "http://vault.example.com/callback"},
			{"authorize_url", "http://login.example.com/authorize"},
			{"redirect_uri", "http://10.0.0.1/callback"},
			{"url", "https://devops.example.com"},
		} {
			changed := c
			changed.target.Settings = c.target.Settings.Clone()
			changed.target.Settings.Texts[bad.field] = bad.value
			if bad.field == "url" {
				changed.target.URL = bad.value
			}
			checker, ok := provider(t, c.provider).(providers.SettingsChecker)
			require.True(t, ok)
			failure := asError(t, checker.CheckSettings(changed.target))
			require.NotNil(t, failure, bad.value)
			assert.Equal(t, providers.InvalidField, failure.Outcome)
			assert.Equal(t, []string{bad.field}, failure.Fields)
		}
		for _, good := range []string{"http://127.0.0.1:8200/v1/sei/oauth/callback", "http://localhost:8250/callback", "http://[::1]/x", callback} {
			c.target.Settings.Texts["redirect_uri"] = good
			assert.Equal(t, good, c.client(t).RedirectURI())
		}
	})
	azure, ok := provider(t, "azure_devops").(providers.Authorizer)
	require.True(t, ok)
	for name, fine := range map[string]bool{tenant: true, "contoso.onmicrosoft.com": true, "common": false, "organizations": false, "": false, "a/b.c": false, "..": false} {
		_, err := azure.OAuth(providers.Target{URL: "https://dev.azure.com", AuthType: "oauth", Settings: texts("organization", "contoso", "service", "boards", "tenant_id", name, "redirect_uri", callback)})
		assert.Equal(t, fine, err == nil, name)
	}
}

// quotesNothing looks for what was sent and issued in an error.
func quotesNothing(t *testing.T, c oauthCase, err error, more ...string) {
	t.Helper()
	failure := asError(t, err)
	shown := fmt.Sprintf("%v %+v %#v", err, *failure, *failure)
	for _, secret := range append(append(c.server.Issued(), clientSecret, verifier), more...) {
		assert.NotContains(t, shown, secret)
	}
}
