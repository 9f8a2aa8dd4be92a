package stories_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// consumer is the OAuth client of the fakes, whose secret is shared.
const (
	consumer       = "engine"
	consumerSecret = "secret-of-the-consumer"
	tenant         = "contoso.onmicrosoft.com"
)

// everything is one integration of every provider and auth type, by name.
func everything(f *harness.Fakes, callback string) map[string]map[string]any {
	oauth := map[string]any{"client_id": consumer, "client_secret": consumerSecret, "redirect_uri": callback}
	entra := map[string]any{"organization": "acme", "tenant_id": tenant}
	maps.Copy(entra, oauth)
	all := map[string]map[string]any{
		"jira":     {"provider": "jira", "auth_type": "api_key", "url": f.URLs["JIRA"], "description": "Jira", "labels": map[string]any{"team": "sei"}},
		"jira-dc":  {"provider": "jira", "auth_type": "pat", "url": f.URLs["JIRA_DC"], "pin_identity": true},
		"jira-app": {"provider": "jira", "auth_type": "connect_app", "url": f.URLs["JIRA"]},
		"jira-bot": {
			"provider": "jira", "auth_type": "service_account", "url": catalogtest.JiraCloudURL, "cloud_id": f.World.Jira.CloudID(),
			"proxy_url": f.World.ProxyURL(), "ca_cert": f.World.CAPEM(),
		},
		"github":       {"provider": "github", "auth_type": "pat", "url": f.URLs["GITHUB"], "organizations": "acme"},
		"github-app":   {"provider": "github", "auth_type": "github_app", "url": f.URLs["GITHUB"]},
		"actions":      {"provider": "github_actions", "url": f.URLs["GITHUB"], "organizations": "acme"},
		"bitbucket":    {"provider": "bitbucket", "auth_type": "api_key", "workspace": "acme"},
		"bitbucket-oa": with(oauth, "provider", "bitbucket", "auth_type", "oauth"),
		"bitbucket-at": {"provider": "bitbucket", "auth_type": "access_token", "workspace": "acme", "repository": "app"},
		"bitbucket-dc": {"provider": "bitbucket", "auth_type": "pat", "url": catalogtest.BitbucketServerURL, "project": "WEB"},
		"harness":      {"provider": "harness", "url": "https://harness.example.com", "account_id": "acme"},
		"gitlab":       {"provider": "gitlab", "url": "https://gitlab.example.com/gitlab", "auto_rotate": true, "rotate_before": 86400, "rotation_schedule": "0 2 * * SUN", "rotation_window": 7200},
		"sonarqube":    {"provider": "sonarqube", "url": "https://sonarqube.example.com/sonar"},
	}
	for _, service := range []string{"boards", "repos", "pipelines"} {
		all["ado-"+service] = map[string]any{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": service}
	}
	all["ado-oauth"] = with(entra, "provider", "azure_devops", "auth_type", "oauth", "service", "boards")
	for name, settings := range all {
		if settings["url"] == nil || settings["provider"] != "jira" && settings["provider"] != "github" && settings["provider"] != "github_actions" {
			all[name] = with(settings, "proxy_url", f.World.ProxyURL(), "ca_cert", f.World.CAPEM())
		}
	}
	return all
}

// with is a copy of settings with more of them, as names and values in turn.
func with(settings map[string]any, more ...string) map[string]any {
	all := maps.Clone(settings)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// reauthentications are those of everything that takes a credential without a browser:
// the nth of each, with tokens that the fakes know from then on. One of the Azure DevOps
// group is for all of it.
func reauthentications(f *harness.Fakes, n int) map[string]map[string]any {
	const ada, bot = "ada@example.com", "bot@serviceaccount.atlassian.com"
	token := func(provider string) string { return fmt.Sprintf("%s-everything-%d", provider, n) }
	w := f.World
	w.Jira.AddAPIToken(ada, token("ATATT"))
	w.JiraDataCenter.Add(jiratest.JiraToken{Token: token("dc"), PAT: true, Name: "ada", Email: ada})
	w.Jira.Add(jiratest.JiraToken{Token: token("ATATT-bot"), Email: bot, AccountType: "app", AppType: "service", Scopes: []string{"read:jira-user", "read:jira-work"}})
	w.GitHubEnterprise.AddClassic("octocat", token("ghp_one"), "repo", "read:org")
	w.GitHubEnterprise.AddClassic("hubot", token("ghp_two"), "repo", "read:org")
	w.GitHubEnterprise.AddFineGrained("monalisa", token("github_pat"))
	w.Bitbucket.AddAPIToken(ada, token("bb"), "read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket")
	w.Bitbucket.AddAccessToken(bitbuckettest.RepositoryToken, "acme/app", token("ATCTT3"), "repository")
	w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: token("BBDC"), Name: "ada", Email: ada, Reads: []string{"WEB"}})
	w.HarnessOwn.Add(harnesstest.HarnessToken{Token: fmt.Sprintf("pat.acme.%d.everything", n), Account: "acme", Email: ada})
	w.GitLabOwn.Add(gitlabtest.GitLabToken{Token: token("glpat"), Username: "ada", Scopes: []string{"api"}, Expires: "2099-01-31"})
	w.SonarQube.AddToken("ada", token("squ"))
	w.AzureDevOps.AddPAT("acme", ada, token("ado"), "vso.project", "vso.work", "vso.code", "vso.build")
	return map[string]map[string]any{
		"jira":         {"email": ada, "api_key": token("ATATT")},
		"jira-dc":      {"pat": token("dc")},
		"jira-bot":     {"email": bot, "api_key": token("ATATT-bot")},
		"github":       {"pat": []string{token("ghp_one"), token("ghp_two")}},
		"actions":      {"pat": token("github_pat")},
		"bitbucket":    {"email": ada, "api_key": token("bb")},
		"bitbucket-at": {"access_token": token("ATCTT3")},
		"bitbucket-dc": {"pat": token("BBDC")},
		"harness":      {"email": ada, "api_key": fmt.Sprintf("pat.acme.%d.everything", n)},
		"gitlab":       {"pat": token("glpat")},
		"sonarqube":    {"username": "ada", "api_key": token("squ")},
		"ado-repos":    {"email": ada, "pat": token("ado")},
	}
}

// consented are the integrations that a person consents to in a browser.
func consented() []string { return []string{"bitbucket-oa", "ado-oauth"} }

// populate makes everything at the mount sei, and re-authenticates it: twice where that
// needs no browser.
func populate(t *testing.T, s *harness.Server, f *harness.Fakes) {
	t.Helper()
	client, callback := s.Client(t).Logical(), s.Addr+"/v1/sei/oauth/callback"
	f.World.GitHubEnterprise.AddOrganization(githubtest.GitHubOrganization{
		Login: "acme", Repositories: []githubtest.GitHubRepository{{Name: "app", Private: true, Runs: 1}},
	})
	f.World.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Members: []string{"ada@example.com"}, Repositories: []string{"WEB/app"}})
	f.World.BitbucketServer.AddProject(bitbuckettest.ServerProject{Key: "WEB", Repositories: []string{"app"}})
	f.World.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
	f.World.Bitbucket.AddClient(authserver.OAuthClient{ID: consumer, Secret: consumerSecret, RedirectURI: callback, Scopes: []string{"account"}})
	f.World.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	f.World.Entra.AddClient(authserver.OAuthClient{ID: consumer, Secret: consumerSecret, RedirectURI: callback, Tenant: tenant})
	f.World.Entra.SignIn(azuredevopstest.AzureToken{Account: "ada@example.com", Organization: "acme"})
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": append(f.World.AllowedHosts(), "http://127.0.0.1"), "creds_ttl": 77})
	for name, settings := range everything(f, callback) {
		harness.Write(t, client, "sei/integrations/"+name, settings)
	}
	for n := range 2 {
		for name, credential := range reauthentications(f, n) {
			harness.Write(t, client, "sei/reauth/"+name, credential)
		}
	}
	for _, name := range consented() {
		consent(t, s, f, name)
	}
}

// consent re-authenticates an integration as a person with a browser does.
func consent(t *testing.T, s *harness.Server, f *harness.Fakes, name string) {
	t.Helper()
	client := s.Client(t).Logical()
	begun, err := client.WriteWithContext(t.Context(), "sei/oauth/authorize/"+name, nil)
	require.NoError(t, err)
	url, _ := begun.Data["authorize_url"].(string)
	back, err := f.World.Consent(url, true)
	require.NoError(t, err)
	harness.Write(t, client, "sei/reauth/"+name, map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")})
}
