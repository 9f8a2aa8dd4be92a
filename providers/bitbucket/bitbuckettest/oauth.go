package bitbuckettest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// newBitbucketAuthorization returns what bitbucket.org issues with. 7200 s:
// terrakube-io/terrakube issue 47, recorded. That refresh tokens rotate:
// community.developer.atlassian.com t/99003; that the old one is dead at once is a
// guess, and so are the words of a denial.
func newBitbucketAuthorization() *authserver.Server[BitbucketToken] {
	return authserver.New(authserver.Style[BitbucketToken]{
		Name: "Bitbucket", Prefix: "bb", Words: 3, Life: bitbucketAccessLife, Rotates: true,
		Denial: "The user denied the request.", Who: func(t BitbucketToken) string { return t.Email },
	})
}

// serveOAuth registers the paths of developer.atlassian.com/cloud/bitbucket/oauth-2.
func (b *Bitbucket) serveOAuth(mux *http.ServeMux) {
	mux.HandleFunc("GET "+BitbucketOAuthPath+"authorize", b.authorize)
	mux.HandleFunc("POST "+BitbucketOAuthPath+"authorize", b.Decide)
	mux.HandleFunc("POST "+BitbucketOAuthPath+"access_token", b.accessToken)
}

// SignIn puts the account of a BitbucketToken at the browser; Token and Scopes do
// not matter. Until it is called nobody can consent. What was granted before stays
// with the account that granted it.
func (b *Bitbucket) SignIn(account BitbucketToken) {
	account = account.complete()
	account.Token = ""
	b.Server.SignIn(account)
}

// TellScopesAs names the field that tells the scopes with the first access token:
// scope, which it is from the beginning, or scopes, which it was until May 2026.
func (b *Bitbucket) TellScopesAs(field string) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.scopesField = field
}

// SignInJSON puts the account that body describes at the browser.
func (b *Bitbucket) SignInJSON(body []byte) error {
	var t BitbucketToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	b.SignIn(t)
	return nil
}

// consented finds the account of an access token, with the rights of its client.
func (b *Bitbucket) consented(r *http.Request) (BitbucketToken, authserver.Verdict) {
	c, v := b.Granted(r)
	t := c.Account
	t.Scopes, t.consented = append([]string{}, c.Scopes...), v == authserver.GrantAccepted
	return t, v
}

// oauthName is what OAuth calls a right of an API token, and whether the scopes of a
// consumer have it: developer.atlassian.com/cloud/bitbucket/rest/intro, where some
// scopes imply others.
func oauthName(scope string, granted []string) (name string, has bool) {
	implied := []string{"account", "account:write"}
	if scope == BitbucketReadRepository {
		implied = []string{"repository", "repository:write", "project", "pullrequest", "pullrequest:write"}
	}
	return implied[0], slices.ContainsFunc(granted, func(s string) bool { return slices.Contains(implied, s) })
}

// authorize shows the page that asks the person at the browser. Its errors are told
// in the words of rbansal42/bitbucket-cli issue 50, recorded; status 400 is a guess.
func (b *Bitbucket) authorize(w http.ResponseWriter, r *http.Request) {
	const misconfigured = "This integration is misconfigured. Contact the vendor for assistance."
	q := r.URL.Query()
	client, known := b.Client(q.Get("client_id"))
	if !known || len(q["client_id"]) > 1 {
		authserver.RefusePage(w, http.StatusBadRequest, "Invalid client_id", misconfigured)
		return
	}
	redirect, ok := extended(client.RedirectURI, q.Get("redirect_uri"))
	if !ok || len(q["redirect_uri"]) > 1 {
		authserver.RefusePage(w, http.StatusBadRequest, "Invalid redirect_uri", misconfigured)
		return
	}
	code, description := authserver.CheckAsk(q)
	asked := strings.Fields(q.Get("scope"))
	scopes := client.Scopes
	if code == "" && len(asked) > 0 {
		scopes = asked
		if !authserver.Within(asked, append([]string{}, client.Scopes...)) {
			// A guess: the page of OAuth does not say what happens.
			code, description = "invalid_scope", "The consumer does not have all of the scopes."
		}
	}
	if code != "" {
		authserver.SendBack(w, redirect, q.Get("state"), url.Values{"error": {code}, "error_description": {description}})
		return
	}
	b.Show(w, authserver.Request{
		Client: client.ID, Redirect: redirect, RedirectURI: q.Get("redirect_uri"),
		State: q.Get("state"), Challenge: q.Get("code_challenge"), Asked: asked, Scopes: scopes,
	})
}

// extended returns where the browser goes: to the configured callback, or to what
// was sent if that extends it (confluence.atlassian.com, "Use OAuth on Bitbucket
// Cloud"). That it may not leave the callback's folder is a guess.
func extended(callback, sent string) (*url.URL, bool) {
	base, err := url.Parse(callback)
	if err != nil || base.Host == "" {
		return nil, false
	}
	if sent == "" {
		return base, true
	}
	u, err := url.Parse(sent)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || u.Fragment != "" {
		return nil, false
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(base.EscapedPath(), "/"))
	ok = ok && (rest == "" || rest[0] == '/') && !strings.Contains(rest, "..")
	return u, ok && strings.HasPrefix(u.RawQuery, base.RawQuery)
}

// accessToken is the token endpoint.
func (b *Bitbucket) accessToken(w http.ResponseWriter, r *http.Request) {
	form, isForm := authserver.PostedForm(r)
	client, ok := b.authenticate(r, form)
	switch {
	case !ok:
		// p2/OAuth2 issue 96, recorded; the status is a guess.
		w.Header().Set("WWW-Authenticate", `Basic realm="bitbucket.org"`)
		refuseToken(w, http.StatusUnauthorized, "unauthorized_client", "Requests must be authenticated using OAuth client credentials")
	case !isForm, form.Get("grant_type") == "":
		// plentico/plenti issue 280, recorded for JSON; envelope and status are guesses.
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type: None")
	case authserver.Repeated(form) != "":
		refuseToken(w, http.StatusBadRequest, "invalid_request", "Repeated parameter: "+authserver.Repeated(form))
	case form.Get("grant_type") == "authorization_code":
		b.exchange(w, client, form)
	case form.Get("grant_type") == "refresh_token":
		b.rotate(w, client, form.Get("refresh_token"))
	default:
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type", "Unsupported grant type: "+form.Get("grant_type"))
	}
}

// authenticate finds the client, which must use HTTP Basic and nothing besides: the
// page of OAuth has curl -u, RFC 6749 has both parts encoded in section 2.3.1. Either
// will do, as the real keys and secrets consist of letters and digits.
func (b *Bitbucket) authenticate(r *http.Request, form url.Values) (authserver.OAuthClient, bool) {
	id, secret, ok := r.BasicAuth()
	client, known := b.Client(id)
	same := secret != "" && (secret == client.Secret || secret == url.QueryEscape(client.Secret))
	return client, ok && known && same && !form.Has("client_id") && !form.Has("client_secret")
}

// exchange trades a code. avivsinai/bitbucket-cli pkg/oauth/flow_test.go, written by
// hand: all that is wrong with a code is told the same way, which is a guess.
func (b *Bitbucket) exchange(w http.ResponseWriter, client authserver.OAuthClient, form url.Values) {
	c, v := b.Redeem(client.ID, form)
	if v != authserver.GrantAccepted {
		refuseToken(w, http.StatusBadRequest, "invalid_grant", map[authserver.Verdict]string{
			authserver.GrantUnknown: "code is not valid", authserver.GrantUsed: "code already used", authserver.GrantExpired: "code has expired",
			authserver.GrantElsewhere: "redirect_uri does not match", authserver.GrantUnverified: "code_verifier is missing", authserver.GrantOtherVerifier: "code_verifier does not match",
		}[v])
		return
	}
	b.Mu.Lock()
	field := b.scopesField
	b.Mu.Unlock()
	out := b.Issue(c, c.Scopes, true)
	// terrakube-io/terrakube issue 47, recorded.
	authserver.WriteToken(w, http.StatusOK, providertest.Object{
		field: strings.Join(c.Scopes, " "), "access_token": out.Access, "expires_in": out.Seconds, "token_type": "bearer",
		"state": "authorization_code", "refresh_token": out.Refresh,
	})
}

// rotate trades a refresh token.
func (b *Bitbucket) rotate(w http.ResponseWriter, client authserver.OAuthClient, token string) {
	t, v := b.Renew(client.ID, token)
	if v != authserver.GrantAccepted {
		// readthedocs/readthedocs.org issue 2992, recorded; the status is a guess.
		refuseToken(w, http.StatusBadRequest, "invalid_request", "Invalid refresh_token")
		return
	}
	out := b.Issue(t.Consent, t.Scopes, true)
	b.CountRefresh()
	// avivsinai/bitbucket-cli pkg/oauth/flow_test.go, written by hand.
	authserver.WriteToken(w, http.StatusOK, providertest.Object{"access_token": out.Access, "refresh_token": out.Refresh, "expires_in": out.Seconds})
}

// refuseToken answers with the form of RFC 6749, section 5.2.
func refuseToken(w http.ResponseWriter, status int, code, description string) {
	authserver.WriteToken(w, status, providertest.Object{"error": code, "error_description": description})
}
