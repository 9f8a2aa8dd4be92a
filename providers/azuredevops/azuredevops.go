package azuredevops

import (
	"context"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Names of Azure DevOps' settings and credential fields.
const (
	azurePAT          = "pat"
	azureEmail        = "email"
	azureOrganization = "organization"
	azureServiceField = "service"
	azureGroup        = "credential_group"
)

// azureDevOps checks credentials of Azure DevOps Services and Azure DevOps Server.
type azureDevOps struct{ client *upstream.Client }

// New returns the provider of Azure DevOps. All its requests go through client.
func New(client *upstream.Client) providers.Provider { return azureDevOps{client} }

var (
	_ providers.Provider        = azureDevOps{}
	_ providers.SettingsChecker = azureDevOps{}
	_ providers.Sharer          = azureDevOps{}
)

// Spec describes Azure DevOps.
func (azureDevOps) Spec() providers.Spec {
	return providers.Spec{
		Name:       "azure_devops",
		Title:      "Azure DevOps",
		DefaultURL: "https://dev.azure.com",
		URLHelp: "https://dev.azure.com, or https://contoso.visualstudio.com for an organisation that still has that address; " +
			"for Azure DevOps Server 2019 or newer the address above its collections, such as https://devops.example.com/tfs. It may end with the organisation or collection, unless that is all of a server's path.",
		AuthTypes: []providers.AuthType{
			{Name: azurePAT, Title: "Personal access token", MadeAt: "{url}/{organization}/_usersSettings/tokens", Fields: azurePATFields()},
			oauthclient.AuthType("Microsoft Entra application", providers.Field{
				Name: azureTenantID, Title: "Tenant ID", Kind: providers.Text, Required: true, Locates: true, Description: "Id of the Microsoft Entra tenant that the organisation is connected to.",
			}),
		},
		Settings: azureSettings(),
		LeastRights: "Scopes by service: vso.work for boards, vso.code for repos, vso.build for pipelines, and vso.project for all. " +
			"For analytics also vso.release and vso.analytics. A Microsoft Entra application needs the same as delegated permissions of Azure DevOps. The account must see at least one project.",
		Expiry: "Enter expires_at: a personal access token can read neither its end nor its scopes. Microsoft stops all tokens for \"all accessible organizations\" on 1 December 2026; " +
			"make one for the organisation. OAuth access tokens last about an hour and are renewed when creds/ is read; a refresh token that nobody uses for 90 days ends, and so it does when the password changes or an administrator revokes it.",
		Rotation: "OAuth refresh tokens are replaced at each use. None for personal access tokens: a personal access token cannot make another; only a Microsoft Entra token can.",
		Check: "GET /_apis/connectionData must answer 200 with JSON in which authenticatedUser and authorizedUser are the same account, which is active and not the anonymous one, and " +
			"whose e-mail address, where shown, must be the one entered (with OAuth nobody enters one). GET /_apis/projects must then show a project (those that are not public come first, and a warning says if only public ones answered), and a read-only call of the service must succeed: " +
			"/_apis/wit/workitemrelationtypes for boards; /{project}/_apis/git/pullrequests for repos or /{project}/_apis/build/definitions for pipelines, in one of the first three projects. " +
			"The questions are asked in version 7.1 of the API or, where a server does not know it, in 7.0, 6.0 or 5.0; the version that was found is kept with the credential.",
		Unverified: []providers.Assumption{
			{What: "That connectionData answers a token whatever its scopes.", Settled: "The answer to a token with one narrow scope, such as vso.code."},
			{What: "That any 401 of Azure DevOps' own, after connectionData has named the account, is a missing scope: measured so of some calls. Its own are known by a header that begins with X-TFS- or X-VSS-, by a challenge of a host of visualstudio.com, or by the form of its errors.", Settled: "The answers of each later request to a token without its scope."},
			{What: "Which policies other than conditional access (403 with the number VS403463) refuse a token, and with which words; those that forbid tokens for all organisations were seen.", Settled: "The answer under each policy of an organisation."},
			{What: "That a 401 with TF401444 is of an account that is known and has never signed in: its text says so, as one client's issue has it.", Settled: "The answer to a token of such an account, and to a bad one."},
			{What: "That a project is public only where its visibility says so; answers that do not tell it are taken for those of projects that are not.", Settled: "The list of projects of an organisation that has public ones, at versions 5.0 to 7.1."},
			{What: "How a token is answered in a project whose repositories or pipelines are switched off: 403 and 404 lead to the next of three projects.", Settled: "The answers of a project in which each service was switched off."},
			{What: "How an organisation that does not exist is answered: 404 in Azure DevOps' own words is taken for one that the token cannot see, unless they are about the path, and any other 404 for could not tell.", Settled: "The answer to a living token with the name of no organisation."},
			{What: "That Azure DevOps Server takes no tokens of Microsoft Entra: an oauth integration of one is refused unless token_url names another authorization server.", Settled: "A word of the vendor's documentation, or a server that is joined to Entra."},
			{What: "How Microsoft Entra answers temporarily_unavailable, and that access_denied from the token endpoint always means a policy.", Settled: "A recorded answer of each."},
			{What: "That Microsoft Entra's number 70000 means that a refresh token has ended where its text says that the person must sign in again, and passes otherwise: seen so. What other numbers mean is by its list of error codes, and of 700081 and 70044 by what clients were told; one that is not known here ends nothing.", Settled: "Recorded answers with the number 70000, of a token that ended and of one that did not."},
			{What: "Azure DevOps Server: that those that do not know version 7.1 of the API answer the questions of older versions alike, and that a Windows account is told by the descriptor System.Security.Principal.WindowsIdentity.", Settled: "A run of make live against each of Server 2019, 2020 and 2022, with a Windows account."},
			{What: "Which characters the name of an organisation or a collection may have, and that no organisation of Services has a dot or an underscore in it.", Settled: "The vendor's rule, or its refusals at the making of an organisation."},
			{What: "That a token can belong to a service identity (Microsoft.TeamFoundation.ServiceIdentity), which is accepted as an account.", Settled: "The answer to the token of such an identity."},
			{What: "That an organisation's name is taken as a collection's on Azure DevOps Server, whatever its case.", Settled: "A run of make live against a server, with the collection in other letters."},
		},
	}
}

func azurePATFields() []providers.Field {
	return []providers.Field{
		{Name: azureEmail, Title: "E-mail", Kind: providers.Email, Required: true, Description: "Address that the token's account signs in with."},
		{Name: azurePAT, Title: "Personal access token", Kind: providers.Token, Required: true, Description: "Token made in the user settings of the organisation, for that organisation only."},
		{Name: "expires_at", Title: "Expires at", Kind: providers.Time, Description: "When the token ends, as the page that made it says; Azure DevOps does not tell."},
	}
}

func azureSettings() []providers.Field {
	var services []string
	for _, s := range azureServices() {
		services = append(services, s.name)
	}
	return []providers.Field{
		{Name: azureOrganization, Title: "Organization", Kind: providers.Text, Required: true, Locates: true, Description: "Organisation as in https://dev.azure.com/<organization>; for Azure DevOps Server, the collection."},
		{Name: azureServiceField, Title: "Service", Kind: providers.Text, Required: true, Fixed: true, Values: services, Description: "What the integration is for: boards, repos or pipelines. A credential must have the right to read it."},
		{Name: azureGroup, Title: "Credential group", Kind: providers.Text, Fixed: true, Description: "Integrations of one url, organization, auth_type and group share one credential; empty is a group, too."},
	}
}

// Headers returns Basic with the token as password, for there is no user name, or
// Bearer with an access token.
func (azureDevOps) Headers(authType string, cred providers.Credential) map[string]string {
	switch authType {
	case azurePAT:
		return probe.BasicHeaders(providers.Secret{}, cred.Value(azurePAT))
	case oauthclient.Type:
		return probe.BearerHeaders(cred.Value(providers.OAuthAccessToken))
	default:
		return nil
	}
}

// CheckSettings judges the url, the organisation, the service and the way there.
func (a azureDevOps) CheckSettings(t providers.Target) error {
	c, err := a.check(t)
	if err == nil && t.AuthType == oauthclient.Type {
		_, err = a.oauth(t)
	}
	if err != nil {
		return err
	}
	return c.CheckRoute()
}

// SharedBy makes the integrations of one organisation share. The url counts
// without the organisation, because it may be in it or not; names of
// organisations are the same whatever their case. Settings that are refused share
// with none that are not: no root begins as theirs.
func (azureDevOps) SharedBy(t providers.Target) map[string]string {
	organization := t.Settings.Text(azureOrganization)
	shared := map[string]string{"url": "refused: " + t.URL, azureOrganization: organization, azureGroup: t.Settings.Text(azureGroup)}
	p := probe.Probe{Title: "Azure DevOps"}
	if root, err := findAzureRoot(p, t.URL, organization); err == nil {
		shared["url"], shared[azureOrganization] = root.base, strings.ToLower(organization)
	}
	return shared
}

// check prepares the check of one target.
func (a azureDevOps) check(t providers.Target) (azureCheck, *providers.Error) {
	p := probe.New(a.client, "Azure DevOps", azurePAT, t)
	c := azureCheck{Probe: p, organization: t.Settings.Text(azureOrganization), token: "personal access token", version: newAzureVersion(t.APIVersion)}
	if t.AuthType == oauthclient.Type {
		c.oauth, c.token, c.TokenField = true, "access token", providers.OAuthAccessToken
	}
	var err *providers.Error
	if c.root, err = findAzureRoot(p, t.URL, c.organization); err != nil {
		return c, err
	}
	for _, s := range azureServices() {
		if s.name == t.Settings.Text(azureServiceField) {
			c.service = s
			return c, nil
		}
	}
	return c, p.Invalid(azureServiceField, "service is boards, repos or pipelines")
}

// Validate asks Azure DevOps who the credential belongs to and what it may read.
func (a azureDevOps) Validate(ctx context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	c, err := a.check(t)
	if err == nil && t.AuthType != azurePAT && !c.oauth {
		err = c.Fail(providers.InvalidField, "auth_type %q cannot be checked", t.AuthType)
	}
	if err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := probe.WithTimeout(ctx, t)
	defer cancel()
	c.header = probe.HeaderOf(a.Headers(t.AuthType, cred))
	// As Microsoft's own client does: a 401 instead of the way to the sign-in page.
	c.header.Set("X-TFS-FedAuthRedirect", "Suppress")
	v, err := c.run(ctx, cred.Value(azureEmail).Reveal())
	if c.oauth {
		t = t.Without("required_scopes") // demanded of what was granted, with the code
	}
	return c.Verdict(t, v, err, probe.HasScope)
}
