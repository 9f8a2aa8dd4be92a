package azuredevopstest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// azureResource is the id of Azure DevOps among the resources of Entra:
// MicrosoftDocs/azure-devops-docs entra-oauth.md.
const azureResource = "499b84ac-1321-427f-aa17-267ca6975798"

// Entra is a fake of the authorization server of Microsoft Entra ID, version 2.0, at
// login.microsoftonline.com. It knows no resource but Azure DevOps.
type Entra struct {
	providertest.Base
	*authserver.Server[AzureToken]
	mux *http.ServeMux
}

var _ providertest.Fake = (*Entra)(nil)

// NewEntra returns a fake without clients. Its access tokens are good at devops.
func NewEntra(devops *AzureDevOps) *Entra {
	e := &Entra{mux: http.NewServeMux(), Server: authserver.New(authserver.Style[AzureToken]{
		// About as long as the real ones, which are JWTs: a guess.
		Name: "Microsoft Entra", Prefix: "entra", Words: 60,
		// MicrosoftDocs/entra-docs v2-oauth2-auth-code-flow.md and refresh-tokens.md,
		// documented: the life, the words of a denial, and that a refresh token stays.
		Life: 3599 * time.Second, Denial: "the user canceled the authentication", Session: true,
		Who: func(t AzureToken) string { return t.Account },
	})}
	e.mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", e.authorize)
	e.mux.HandleFunc("POST /{tenant}/oauth2/v2.0/authorize", e.Decide)
	e.mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", e.token)
	devops.trust(e)
	return e
}

// SignIn puts the account of an AzureToken at the browser; Token does not matter,
// the rest applies to the access tokens that are issued. Until it is called nobody
// can consent. What was granted before stays with the account that granted it.
func (e *Entra) SignIn(account AzureToken) {
	account = account.complete()
	account.Token = ""
	e.Server.SignIn(account)
}

// SignInJSON puts the account that body describes at the browser.
func (e *Entra) SignInJSON(body []byte) error {
	var t AzureToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	e.SignIn(t)
	return nil
}

// Revoke makes a code or token unknown.
func (e *Entra) Revoke(token string) { e.Drop(token) }

// ServeHTTP answers as Entra does.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.Serve(w, r, "", e.mux) }

// consented finds the account of an access token, with the rights that it and its
// client have in common.
func (e *Entra) consented(r *http.Request) (AzureToken, authserver.Verdict) {
	c, v := e.Granted(r)
	t := c.Account
	t.Scopes = authserver.Common(c.Scopes, t.Scopes)
	return t, v
}

// registered finds a client in a tenant.
func (e *Entra) registered(tenant, id string) (authserver.OAuthClient, bool) {
	client, known := e.Client(id)
	return client, known && (client.Tenant == "" || strings.EqualFold(client.Tenant, tenant))
}

// authorize shows the page that asks the person at the browser, or says what is wrong
// with the client: the words are of MicrosoftDocs/azure-docs issue 21690 (700016) and
// microsoft/Partner-Center-DotNet-Samples issue 42 (50011), recorded; that the status
// is 400 is a guess.
func (e *Entra) authorize(w http.ResponseWriter, r *http.Request) {
	q, title := r.URL.Query(), "Sign in to your account"
	client, known := e.registered(r.PathValue("tenant"), q.Get("client_id"))
	if !known || len(q["client_id"]) > 1 {
		authserver.RefusePage(w, http.StatusBadRequest, title, noApplication(r.PathValue("tenant"), q.Get("client_id")))
		return
	}
	redirect, err := url.Parse(client.RedirectURI)
	if err != nil || redirect.Host == "" || len(q["redirect_uri"]) != 1 || q.Get("redirect_uri") != client.RedirectURI {
		authserver.RefusePage(w, http.StatusBadRequest, title, "AADSTS50011: The redirect URI specified in the request does not match the redirect URIs configured for the application: '"+client.ID+"'.")
		return
	}
	rights, code, description := checkEntraAsk(q, client)
	if code != "" {
		authserver.SendBack(w, redirect, q.Get("state"), url.Values{"error": {code}, "error_description": {description}})
		return
	}
	e.Show(w, authserver.Request{
		Client: client.ID, Redirect: redirect, RedirectURI: client.RedirectURI,
		State: q.Get("state"), Challenge: q.Get("code_challenge"), Asked: strings.Fields(q.Get("scope")), Scopes: rights,
	})
}

// checkEntraAsk returns the rights that a client asks for, of which nil is all, or an
// error for the client.
func checkEntraAsk(q url.Values, client authserver.OAuthClient) (rights []string, code, description string) {
	if code, description = authserver.CheckAsk(q); code != "" {
		return nil, code, description
	}
	if mode := q.Get("response_mode"); mode != "" && mode != "query" {
		return nil, "invalid_request", "The fake knows no response_mode but query."
	}
	rights, bad := entraRights(q.Get("scope"), client)
	if bad != "" {
		return nil, "invalid_scope", badScope(bad)
	}
	return rights, "", ""
}

// entraRights reads scopes: of OpenID Connect, and either rights of Azure DevOps or
// .default, which is all that the client is registered for, and nil if that is
// everything. It returns what is bad among them: MicrosoftDocs/entra-docs
// scopes-oidc.md, documented. That a right has to be registered is a guess.
func entraRights(scope string, client authserver.OAuthClient) (rights []string, bad string) {
	everything := false
	for _, s := range strings.Fields(scope) {
		right, ofAzure := strings.CutPrefix(s, azureResource+"/")
		switch {
		case slices.Contains([]string{"openid", "profile", "email", "offline_access"}, s):
		case ofAzure && right == ".default":
			everything = true
		case ofAzure && strings.HasPrefix(right, "vso.") && authserver.Within([]string{right}, client.Scopes):
			rights = append(rights, right)
		default:
			return nil, s
		}
	}
	switch {
	case everything == (len(rights) > 0):
		// Neither, or both: .default can't be combined with others.
		return nil, "'" + scope + "'"
	case everything:
		return client.Scopes, ""
	}
	return rights, ""
}

// badScope is of MicrosoftDocs/entra-docs v2-oauth2-auth-code-flow.md, documented.
func badScope(scope string) string {
	return "AADSTS70011: The provided value for the input parameter 'scope' is not valid. The scope " + scope + " is not valid."
}

func noApplication(tenant, id string) string {
	return "AADSTS700016: Application with identifier '" + id + "' was not found in the directory '" + tenant +
		"'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant." +
		" You may have sent your authentication request to the wrong tenant."
}
