package catalog_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// lists is settings with one list.
func lists(name string, values ...string) providers.Settings {
	s := providers.Settings{}.Clone()
	s.Lists[name] = values
	return s
}

func texts(pairs ...string) providers.Settings {
	s := providers.Settings{}.Clone()
	for i := 0; i+1 < len(pairs); i += 2 {
		s.Texts[pairs[i]] = pairs[i+1]
	}
	return s
}

func TestCheckSettings(t *testing.T) {
	orgs := func(names ...string) providers.Settings {
		return providers.Settings{Lists: map[string][]string{"organizations": names}}
	}
	cases := []struct {
		name     string
		provider string
		target   providers.Target
		outcome  providers.Outcome // "" means fine
		field    string
	}{
		{"a Cloud site", "jira", providers.Target{URL: "https://acme.atlassian.net/", AuthType: "api_key"}, "", ""},
		{"a Data Center below a path", "jira", providers.Target{URL: "https://jira.example.com/jira", AuthType: "pat"}, "", ""},
		{"a Connect app", "jira", providers.Target{URL: "https://acme.atlassian.net", AuthType: "connect_app"}, "", ""},
		{"a cloud id", "jira", providers.Target{URL: "https://acme.atlassian.net", Settings: texts("cloud_id", "1-a")}, "", ""},
		{"a cloud id that is a path", "jira", providers.Target{URL: "https://acme.atlassian.net", Settings: texts("cloud_id", "a/b")}, providers.InvalidField, "cloud_id"},
		{"the gateway without cloud id", "jira", providers.Target{URL: "https://api.atlassian.com/ex/jira/"}, providers.InvalidField, "url"},
		{"no url", "jira", providers.Target{}, providers.InvalidField, "url"},
		{"a url without scheme", "jira", providers.Target{URL: "acme.atlassian.net"}, providers.InvalidField, "url"},
		{"a url with a password", "jira", providers.Target{URL: "https://u:p@acme.atlassian.net"}, providers.InvalidField, "url"},
		{"a url with a query", "jira", providers.Target{URL: "https://acme.atlassian.net/?x=1"}, providers.InvalidField, "url"},
		{"a url with a bare question mark", "jira", providers.Target{URL: "https://acme.atlassian.net/?"}, providers.InvalidField, "url"},
		{"a url with a fragment", "jira", providers.Target{URL: "https://acme.atlassian.net/#x"}, providers.InvalidField, "url"},
		{"a url that climbs", "jira", providers.Target{URL: "https://jira.example.com/a/../b"}, providers.InvalidField, "url"},
		{"a url that climbs in disguise", "jira", providers.Target{URL: "https://jira.example.com/a/%2e%2e/b"}, providers.InvalidField, "url"},
		{"a url with an empty segment", "jira", providers.Target{URL: "https://jira.example.com//jira"}, providers.InvalidField, "url"},
		{"a CA certificate that is none", "jira", providers.Target{URL: "https://acme.atlassian.net", Settings: texts("ca_cert", "x")}, providers.InvalidField, "ca_cert"},
		{"a proxy on loopback", "jira", providers.Target{URL: "https://acme.atlassian.net", Settings: texts("proxy_url", "http://127.0.0.1:3128")}, providers.AddressNotAllowed, "proxy_url"},

		{"github.com", "github", providers.Target{URL: "https://github.com/"}, "", ""},
		{"www.github.com", "github", providers.Target{URL: "https://www.GitHub.com"}, "", ""},
		{"the API of github.com", "github", providers.Target{URL: "https://api.github.com"}, "", ""},
		{"a data residency", "github", providers.Target{URL: "https://acme.ghe.com"}, "", ""},
		{"an Enterprise Server", "github", providers.Target{URL: "https://github.example.com/api/v3"}, "", ""},
		{"a page of github.com", "github", providers.Target{URL: "https://github.com/acme"}, providers.InvalidField, "url"},
		{"organisations", "github", providers.Target{URL: "https://github.com", Settings: orgs("acme", "Acme-Labs", "a_b")}, "", ""},
		{"an organisation with a slash", "github", providers.Target{URL: "https://github.com", Settings: orgs("acme/repo")}, providers.InvalidField, "organizations"},
		{"an organisation that climbs", "github", providers.Target{URL: "https://github.com", Settings: orgs("..")}, providers.InvalidField, "organizations"},
		{"an empty organisation", "github", providers.Target{URL: "https://github.com", Settings: orgs("acme", "")}, providers.InvalidField, "organizations"},
		{"Harness", "harness", providers.Target{URL: "https://app.harness.io/", Settings: texts("account_id", "aA_-0")}, "", ""},
		{"Harness with the gateway", "harness", providers.Target{URL: "https://app.harness.io/gateway", Settings: texts("account_id", "x")}, "", ""},
		{"Harness without account", "harness", providers.Target{URL: "https://app.harness.io"}, providers.InvalidField, "account_id"},
		{"an account that is a query", "harness", providers.Target{URL: "https://app.harness.io", Settings: texts("account_id", "a&b=c")}, providers.InvalidField, "account_id"},
		{"Harness without scheme", "harness", providers.Target{URL: "app.harness.io", Settings: texts("account_id", "x")}, providers.InvalidField, "url"},
		{"Harness through a proxy on loopback", "harness", providers.Target{URL: "https://app.harness.io", Settings: texts("account_id", "x", "proxy_url", "http://127.0.0.1:1")}, providers.AddressNotAllowed, "proxy_url"},

		{"GitLab below a path", "gitlab", providers.Target{URL: "https://gitlab.example.com/gitlab/api/v4/"}, "", ""},
		{"GitLab.com", "gitlab", providers.Target{URL: "https://GitLab.com/api/v4/"}, "", ""},
		{"a project of GitLab.com", "gitlab", providers.Target{URL: "https://gitlab.com/acme/app"}, providers.InvalidField, "url"},
		{"a group of GitLab.com", "gitlab", providers.Target{URL: "https://www.gitlab.com./acme/"}, providers.InvalidField, "url"},
		{"a host that only ends like GitLab.com", "gitlab", providers.Target{URL: "https://my-gitlab.com/gitlab"}, "", ""},
		{"a page of Harness", "harness", providers.Target{URL: "https://app.harness.io/ng/account/x/home", Settings: texts("account_id", "x")}, "", ""},
		{"a path that Harness has not", "harness", providers.Target{URL: "https://app.harness.io/acme", Settings: texts("account_id", "x")}, providers.InvalidField, "url"},
		{"a self-managed Harness below a path", "harness", providers.Target{URL: "https://harness.example.com/acme", Settings: texts("account_id", "x")}, "", ""},
		{"a project's page of SonarQube Cloud", "sonarqube", providers.Target{URL: "https://sonarcloud.io/project/overview"}, "", ""},
		{"an issue's page of Jira Cloud", "jira", providers.Target{URL: "https://acme.atlassian.net/browse/X-1"}, "", ""},
		{"a repository's page of Bitbucket", "bitbucket", providers.Target{URL: "https://bitbucket.org/acme/app"}, providers.InvalidField, "url"},
		{"a project's page of Azure DevOps", "azure_devops", azureTarget("https://dev.azure.com/contoso/project", "contoso"), providers.InvalidField, "url"},
		{"GitLab with a query", "gitlab", providers.Target{URL: "https://gitlab.example.com/?private_token=x"}, providers.InvalidField, "url"},
		{"GitLab with a CA certificate that is none", "gitlab", providers.Target{URL: "https://gitlab.com", Settings: texts("ca_cert", "x")}, providers.InvalidField, "ca_cert"},

		{"the organisations of GitHub Actions", "github_actions", providers.Target{URL: "https://github.com", Settings: orgs("acme")}, "", ""},
		{"an organisation of GitHub Actions that climbs", "github_actions", providers.Target{URL: "https://github.com", Settings: orgs("..")}, providers.InvalidField, "organizations"},
		{"GitHub Actions through a proxy on loopback", "github_actions", providers.Target{URL: "https://github.com", Settings: texts("proxy_url", "http://127.0.0.1:1")}, providers.AddressNotAllowed, "proxy_url"},

		{"SonarQube below a path", "sonarqube", providers.Target{URL: "https://sonarqube.example.com/sonar/"}, "", ""},
		{"SonarQube Cloud", "sonarqube", providers.Target{URL: "https://SonarCloud.io", Settings: texts("organization", "acme-1")}, "", ""},
		{"SonarQube without url", "sonarqube", providers.Target{}, providers.InvalidField, "url"},
		{"an organization of a server", "sonarqube", providers.Target{URL: "https://sonarcloud.io.example.com", Settings: texts("organization", "acme")}, providers.InvalidField, "organization"},
		{"an organization that is a list", "sonarqube", providers.Target{URL: "https://sonarcloud.io", Settings: texts("organization", "a,b")}, providers.InvalidField, "organization"},
		{"SonarQube through a proxy on loopback", "sonarqube", providers.Target{URL: "https://sonarcloud.io", Settings: texts("proxy_url", "http://127.0.0.1:1")}, providers.AddressNotAllowed, "proxy_url"},

		{"an organisation with a query", "github", providers.Target{URL: "https://github.com", Settings: orgs("acme?x=1")}, providers.InvalidField, "organizations"},

		{"Bitbucket Cloud", "bitbucket", providers.Target{URL: "https://bitbucket.org/"}, "", ""},
		{"the API of Bitbucket Cloud", "bitbucket", providers.Target{URL: "https://api.bitbucket.org/2.0"}, "", ""},
		{"a workspace", "bitbucket", providers.Target{URL: "https://bitbucket.org", Settings: texts("workspace", "acme")}, "", ""},
		{"a workspace that is a path", "bitbucket", providers.Target{URL: "https://bitbucket.org", Settings: texts("workspace", "a/b")}, providers.InvalidField, "workspace"},
		{"a workspace's page", "bitbucket", providers.Target{URL: "https://bitbucket.org/acme"}, providers.InvalidField, "url"},
		{"a Data Center", "bitbucket", providers.Target{URL: "https://bitbucket.example.com"}, providers.InvalidField, "url"},
		{"an access token's repository", "bitbucket", atBitbucket("workspace", "acme", "repository", "app"), "", ""},
		{"an access token's project", "bitbucket", atBitbucket("workspace", "acme", "project", "WEB"), "", ""},
		{"an access token without workspace", "bitbucket", atBitbucket("repository", "app"), providers.InvalidField, "workspace"},
		{"an access token's repository that climbs", "bitbucket", atBitbucket("workspace", "acme", "repository", ".."), providers.InvalidField, "repository"},
		{"an access token's project that is a path", "bitbucket", atBitbucket("workspace", "acme", "project", "a/b"), providers.InvalidField, "project"},
		{"an access token's project and repository", "bitbucket", atBitbucket("workspace", "acme", "repository", "app", "project", "WEB"), providers.InvalidField, "project"},
		{"an access token through a proxy that is none", "bitbucket", atBitbucket("workspace", "acme", "proxy_url", "x"), providers.InvalidField, "proxy_url"},
		{"a Data Center below a path", "bitbucket", atServer("https://bitbucket.example.com/bitbucket/rest/api/latest"), "", ""},
		{"a Data Center's project and repository", "bitbucket", atServer("https://bitbucket.example.com", "project", "~mia", "repository", "app"), "", ""},
		{"a Data Center's token at Bitbucket Cloud", "bitbucket", atServer("https://www.bitbucket.org"), providers.InvalidField, "url"},
		{"a Data Center's page", "bitbucket", atServer("https://bitbucket.example.com/projects/WEB/repos/app"), providers.InvalidField, "url"},
		{"a Data Center with a query", "bitbucket", atServer("https://bitbucket.example.com/?x=1"), providers.InvalidField, "url"},
		{"a Data Center with a workspace", "bitbucket", atServer("https://bitbucket.example.com", "workspace", "acme"), providers.InvalidField, "workspace"},
		{"a Data Center's repository without project", "bitbucket", atServer("https://bitbucket.example.com", "repository", "app"), providers.InvalidField, "project"},
		{"a Data Center's project that climbs", "bitbucket", atServer("https://bitbucket.example.com", "project", ".."), providers.InvalidField, "project"},
		{"a Data Center through a proxy on loopback", "bitbucket", atServer("https://bitbucket.example.com", "proxy_url", "http://127.0.0.1:1"), providers.AddressNotAllowed, "proxy_url"},
		{"a Data Center with a CA certificate that is none", "bitbucket", atServer("https://bitbucket.example.com", "ca_cert", "x"), providers.InvalidField, "ca_cert"},

		{"a service account", "jira", asServiceAccount("https://acme.atlassian.net", "cloud_id", "11111111-2222-3333-4444-555555555555"), "", ""},
		{"a service account at the gateway", "jira", asServiceAccount("https://api.atlassian.com/ex/jira/11111111-2222-3333-4444-555555555555"), "", ""},
		{"a service account without cloud id", "jira", asServiceAccount("https://acme.atlassian.net"), providers.InvalidField, "cloud_id"},
		{"a service account with a cloud id that climbs", "jira", asServiceAccount("https://acme.atlassian.net", "cloud_id", ".."), providers.InvalidField, "cloud_id"},

		{"a proxy that is none", "bitbucket", providers.Target{URL: "https://bitbucket.org", Settings: texts("proxy_url", "x")}, providers.InvalidField, "proxy_url"},

		{"Azure DevOps Services", "azure_devops", azureTarget("https://dev.azure.com/", "contoso"), "", ""},
		{"the organisation in the url", "azure_devops", azureTarget("https://dev.azure.com/Contoso", "contoso"), "", ""},
		{"another organisation in the url", "azure_devops", azureTarget("https://dev.azure.com/fabrikam", "contoso"), providers.InvalidField, "url"},
		{"the former address", "azure_devops", azureTarget("https://contoso.visualstudio.com", "contoso"), "", ""},
		{"the former address of another", "azure_devops", azureTarget("https://fabrikam.visualstudio.com", "contoso"), providers.InvalidField, "url"},
		{"the former address with a page", "azure_devops", azureTarget("https://contoso.visualstudio.com/Web", "contoso"), providers.InvalidField, "url"},
		{"an Azure DevOps Server", "azure_devops", azureTarget("https://devops.example.com/tfs", "DefaultCollection"), "", ""},
		{"no organisation", "azure_devops", azureTarget("https://dev.azure.com", ""), providers.InvalidField, "organization"},
		{"no organisation at the former address", "azure_devops", azureTarget("https://contoso.visualstudio.com", ""), providers.InvalidField, "organization"},
		{"an organisation that climbs", "azure_devops", azureTarget("https://devops.example.com", ".."), providers.InvalidField, "organization"},
		{"no service", "azure_devops", azureTarget("https://dev.azure.com", "contoso", "service", ""), providers.InvalidField, "service"},
		{"a url with a query at Azure DevOps", "azure_devops", azureTarget("https://dev.azure.com/?x=1", "contoso"), providers.InvalidField, "url"},
		{"a CA certificate that is none at Azure DevOps", "azure_devops", azureTarget("https://dev.azure.com", "contoso", "ca_cert", "x"), providers.InvalidField, "ca_cert"},
	}
	for _, c := range cases {
		t.Run(c.provider+": "+c.name, func(t *testing.T) {
			p, ok := registry(t).Provider(c.provider)
			require.True(t, ok)
			checker, ok := p.(providers.SettingsChecker)
			require.True(t, ok)

			err := checker.CheckSettings(c.target)

			if c.outcome == "" {
				require.NoError(t, err)
				return
			}
			failure := asError(t, err)
			require.Error(t, err)
			assert.Equal(t, c.outcome, failure.Outcome)
			assert.Equal(t, []string{c.field}, failure.Fields)
			wellFormed(t, failure)
		})
	}
}

func atBitbucket(settings ...string) providers.Target {
	return providers.Target{URL: "https://bitbucket.org", AuthType: "access_token", Settings: texts(settings...)}
}

func atServer(address string, settings ...string) providers.Target {
	return providers.Target{URL: address, AuthType: "pat", Settings: texts(settings...)}
}

func asServiceAccount(address string, settings ...string) providers.Target {
	return providers.Target{URL: address, AuthType: "service_account", Settings: texts(settings...)}
}
