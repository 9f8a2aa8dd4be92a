package providers

import (
	"regexp"
)

const (
	entraHost     = "login.microsoftonline.com"
	azureTenantID = "tenant_id"
	// azureResource is the id of Azure DevOps in every tenant.
	// https://learn.microsoft.com/en-us/azure/devops/integrate/get-started/authentication/entra-oauth
	azureResource = "499b84ac-1321-427f-aa17-267ca6975798"
)

var _ Authorizer = azureDevOps{}

// OAuth returns the client of a Microsoft Entra application. Its permissions are
// chosen where it is registered; .default asks for all of them, and offline_access
// for a refresh token.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
func (a azureDevOps) OAuth(t Target) (OAuthClient, error) {
	c, err := a.oauth(t)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (a azureDevOps) oauth(t Target) (*oauthClient, *Error) {
	p := newProbe(a.client, "Azure DevOps", OAuthCode, t)
	root, err := findAzureRoot(p, t.URL, t.Settings.Text(azureOrganization))
	if err != nil {
		return nil, err
	}
	tenant := t.Settings.Text(azureTenantID)
	switch {
	case !root.hosted && t.Settings.Text(oauthTokenURL) == "":
		return nil, p.invalid("url", "Azure DevOps Server takes no tokens of Microsoft Entra: url is https://%s, or use auth_type %s", azureHost, azurePAT)
	case !isEntraTenant(tenant):
		return nil, p.invalid(azureTenantID, "tenant_id is the directory (tenant) id that the Entra admin centre shows, or a domain of the tenant such as contoso.onmicrosoft.com")
	}
	return newOAuthClient(p, t, oauthServer{
		authorizeURL: oauthURL("https", entraHost, "/"+tenant+"/oauth2/v2.0/authorize"),
		tokenURL:     oauthURL("https", entraHost, "/"+tenant+"/oauth2/v2.0/token"),
		scopes:       []string{azureResource + "/.default", "offline_access"},
		// Whoever opens a link that somebody else sent sees which account is about to be
		// connected, and can take another one.
		prompt:  "select_account",
		refused: entraRefused,
	})
}

var entraDomainForm = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z-]{0,62}\.)+[A-Za-z]{2,63}$`)

// isEntraTenant accepts the id of one tenant, or a domain of it. The names common,
// organizations and consumers stand for many, and have no dot.
func isEntraTenant(name string) bool {
	return isGUID(name) || entraDomainForm.MatchString(name)
}
