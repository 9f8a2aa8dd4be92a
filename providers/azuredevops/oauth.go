package azuredevops

import (
	"regexp"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

const (
	entraHost     = "login.microsoftonline.com"
	azureTenantID = "tenant_id"
	// azureResource is the id of Azure DevOps in every tenant.
	// https://learn.microsoft.com/en-us/azure/devops/integrate/get-started/authentication/entra-oauth
	azureResource = "499b84ac-1321-427f-aa17-267ca6975798"
)

var _ providers.Authorizer = azureDevOps{}

// OAuth returns the client of a Microsoft Entra application. Its permissions are
// chosen where it is registered; .default asks for all of them, and offline_access
// for a refresh token.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow
func (a azureDevOps) OAuth(t providers.Target) (providers.OAuthClient, error) {
	c, err := a.oauth(t)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (a azureDevOps) oauth(t providers.Target) (*oauthclient.Client, *providers.Error) {
	p := probe.New(a.client, "Azure DevOps", providers.OAuthCode, t)
	root, err := findAzureRoot(p, t.URL, t.Settings.Text(azureOrganization))
	if err != nil {
		return nil, err
	}
	tenant := t.Settings.Text(azureTenantID)
	switch {
	case !root.hosted && t.Settings.Text(oauthclient.TokenURL) == "":
		return nil, p.Invalid("url", "Azure DevOps Server takes no tokens of Microsoft Entra: url is https://%s, or use auth_type %s", azureHost, azurePAT)
	case !isEntraTenant(tenant):
		return nil, p.Invalid(azureTenantID, "tenant_id is the directory (tenant) id that the Entra admin centre shows, or a domain of the tenant such as contoso.onmicrosoft.com")
	}
	return oauthclient.New(p, t, oauthclient.Server{
		AuthorizeURL: oauthclient.URL("https", entraHost, "/"+tenant+"/oauth2/v2.0/authorize"),
		TokenURL:     oauthclient.URL("https", entraHost, "/"+tenant+"/oauth2/v2.0/token"),
		Scopes:       []string{azureResource + "/.default", "offline_access"},
		// Whoever opens a link that somebody else sent sees which account is about to be
		// connected, and can take another one.
		Prompt:  "select_account",
		Refused: entraRefused,
	})
}

var entraDomainForm = regexp.MustCompile(`^[0-9A-Za-z](?:[0-9A-Za-z-]{0,62}\.)+[A-Za-z]{2,63}$`)

// isEntraTenant accepts the id of one tenant, or a domain of it. The names common,
// organizations and consumers stand for many, and have no dot.
func isEntraTenant(name string) bool {
	return isGUID(name) || entraDomainForm.MatchString(name)
}
