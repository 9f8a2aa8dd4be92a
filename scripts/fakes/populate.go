package main

import (
	"fmt"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// account is the e-mail address that all accounts of the fakes have.
const account = "ada@example.com"

// populate gives each fake its credentials, and prints them. Browsers come back from
// the authorization server at callback.
func populate(w *catalogtest.World, callback string) {
	jira(w.Jira)
	gitHub(w.GitHubEnterprise)
	bitbucket(w.Bitbucket, callback)
	azureDevOps(w.AzureDevOps)
	others(w)
}

// tell prints what can be tried.
func tell(format string, args ...any) { fmt.Printf("# "+format+"\n", args...) }

func jira(fake *jiratest.Jira) {
	tell("Jira: email=%s with api_key= one of", account)
	for _, token := range []string{"ATATT-demo-first", "ATATT-demo-second", "ATATT-demo-third"} {
		fake.AddAPIToken(account, token)
		tell("  %s", token)
	}
}

// gitHub knows three accounts in one organisation; the last one's token is for
// Actions.
func gitHub(fake *githubtest.GitHub) {
	fake.AddOrganization(githubtest.GitHubOrganization{
		Login: "acme", Repositories: []githubtest.GitHubRepository{{Name: "app", Private: true, Runs: 1}},
	})
	fake.AddClassic("octocat", "ghp_demo_first", "repo", "read:org")
	fake.AddClassic("hubot", "ghp_demo_second", "repo", "read:org")
	fake.AddFineGrained("monalisa", "github_pat_demo_actions")
	tell("GitHub, organizations=acme: pat= one of, or both separated by a comma")
	tell("  ghp_demo_first (octocat)")
	tell("  ghp_demo_second (hubot)")
	tell("GitHub Actions, url=$GITHUB_URL organizations=acme:")
	tell("  pat=github_pat_demo_actions (monalisa)")
}

// bitbucket knows one account, which is also the one at the browser, and one OAuth
// consumer.
func bitbucket(fake *bitbuckettest.Bitbucket, callback string) {
	fake.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Members: []string{account}})
	fake.AddAPIToken(account, "ATATT-demo-bitbucket", "read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket")
	tell("Bitbucket, workspace=acme proxy_url=$PROXY_URL ca_cert=@$UPSTREAM_CA:")
	tell("  email=%s api_key=ATATT-demo-bitbucket", account)
	fake.AddClient(authserver.OAuthClient{
		ID: "demo-consumer", Secret: "demo-consumer-secret", RedirectURI: callback,
		Scopes: []string{"account", "project", "repository", "pullrequest", "pipeline"},
	})
	fake.SignIn(bitbuckettest.BitbucketToken{Email: account})
	tell("Bitbucket with auth_type=oauth, also authorize_url=$BITBUCKET_URL/site/oauth2/authorize:")
	tell("  client_id=demo-consumer client_secret=demo-consumer-secret")
	tell("  redirect_uri=%s", callback)
}

// azureDevOps knows one organisation. One of its tokens cannot read pipelines.
func azureDevOps(fake *azuredevopstest.AzureDevOps) {
	fake.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
	all := []string{"vso.project", "vso.work", "vso.code", "vso.build"}
	fake.AddPAT("acme", account, "ado-demo-first", all...)
	fake.AddPAT("acme", account, "ado-demo-second", all...)
	fake.AddPAT("acme", account, "ado-demo-no-pipelines", all[:3]...)
	tell("Azure DevOps, organization=acme: email=%s with pat= one of", account)
	tell("  ado-demo-first")
	tell("  ado-demo-second")
	tell("  ado-demo-no-pipelines (without the right to read pipelines)")
}

func others(w *catalogtest.World) {
	w.HarnessOwn.Add(harnesstest.HarnessToken{Token: "pat.acme.demo.harness", Account: "acme", Email: account})
	tell("Harness, account_id=acme:")
	tell("  email=%s api_key=pat.acme.demo.harness", account)
	w.GitLabOwn.Add(gitlabtest.GitLabToken{
		Token: "glpat-demo-gitlab", Username: "ada", Scopes: []string{"read_api"}, Expires: "2099-01-31",
	})
	tell("GitLab:")
	tell("  pat=glpat-demo-gitlab")
	w.SonarQube.AddToken("ada", "squ_demo_sonarqube")
	tell("SonarQube:")
	tell("  username=ada api_key=squ_demo_sonarqube")
}
