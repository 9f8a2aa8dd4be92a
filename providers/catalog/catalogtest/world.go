package catalogtest

import (
	"net/http"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// The hosts of a World.
const (
	JiraCloudURL         = "https://acme.atlassian.net"
	JiraDataCenterURL    = "https://jira.example.com/jira"
	GitHubURL            = "https://github.com"
	GitHubEnterpriseURL  = "https://github.example.com"
	GitHubDataResidence  = "https://acme.ghe.com"
	gitHubEnterpriseHost = "github.example.com"
	BitbucketURL         = "https://bitbucket.org"
	BitbucketServerURL   = "https://bitbucket.example.com/bitbucket"
	AzureDevOpsURL       = "https://dev.azure.com"
	AzureDevOpsServerURL = "https://devops.example.com/tfs"
	HarnessURL           = "https://app.harness.io"
	HarnessEuropeURL     = "https://accounts.eu.harness.io"
	HarnessOwnURL        = "https://harness.example.com"
	GitLabURL            = "https://gitlab.com"
	GitLabOwnURL         = "https://gitlab.example.com/gitlab"
	GitLabOldURL         = "https://gitlab-old.example.com"
	SonarQubeURL         = "https://sonarqube.example.com/sonar"
	SonarQubeOldURL      = "https://sonarqube-old.example.com"
	SonarQubeCloudURL    = "https://sonarcloud.io"
	SonarQubeCloudUSURL  = "https://sonarqube.us"
	EntraURL             = "https://login.microsoftonline.com"
)

// World is an Internet with one fake of every upstream.
type World struct {
	*providertest.Internet
	// Jira is https://acme.atlassian.net, and its gateway on api.atlassian.com.
	Jira *jiratest.Jira
	// JiraDataCenter is https://jira.example.com/jira.
	JiraDataCenter *jiratest.Jira
	// GitHub is api.github.com and api.acme.ghe.com.
	GitHub *githubtest.GitHub
	// GitHubEnterprise is https://github.example.com.
	GitHubEnterprise *githubtest.GitHub
	// Bitbucket is api.bitbucket.org, and bitbucket.org with the pages of OAuth.
	Bitbucket *bitbuckettest.Bitbucket
	// BitbucketServer is https://bitbucket.example.com/bitbucket, a Data Center.
	BitbucketServer *bitbuckettest.Server
	// AzureDevOps is dev.azure.com, and the names below visualstudio.com.
	AzureDevOps *azuredevopstest.AzureDevOps
	// AzureDevOpsServer is https://devops.example.com/tfs.
	AzureDevOpsServer *azuredevopstest.AzureDevOps
	// Entra is https://login.microsoftonline.com, for AzureDevOps.
	Entra *azuredevopstest.Entra
	// Harness is app.harness.io, app3.harness.io and accounts.eu.harness.io.
	Harness *harnesstest.Harness
	// HarnessOwn is https://harness.example.com, self-managed.
	HarnessOwn *harnesstest.Harness
	// GitLab is https://gitlab.com.
	GitLab *gitlabtest.GitLab
	// GitLabOwn is https://gitlab.example.com/gitlab, self-managed below a path.
	GitLabOwn *gitlabtest.GitLab
	// GitLabOld is https://gitlab-old.example.com, older than 15.5.
	GitLabOld *gitlabtest.GitLab
	// SonarQube is https://sonarqube.example.com/sonar, which reads Bearer.
	SonarQube *sonarqubetest.SonarQube
	// SonarQubeOld is https://sonarqube-old.example.com, which ignores it.
	SonarQubeOld *sonarqubetest.SonarQube
	// SonarQubeCloud is https://sonarcloud.io and https://sonarqube.us.
	SonarQubeCloud *sonarqubetest.SonarQube
}

// NewWorld starts an Internet with fakes that know no token yet. Close it.
func NewWorld() *World {
	w := &World{
		Internet:          providertest.NewInternet(),
		Jira:              jiratest.NewJira(jiratest.JiraOptions{}),
		JiraDataCenter:    jiratest.NewJira(jiratest.JiraOptions{DataCenter: true, ContextPath: "/jira"}),
		GitHub:            githubtest.NewGitHub(),
		GitHubEnterprise:  githubtest.NewGitHub(),
		Bitbucket:         bitbuckettest.NewBitbucket(),
		BitbucketServer:   bitbuckettest.NewServer("/bitbucket"),
		AzureDevOps:       azuredevopstest.NewAzureDevOps(azuredevopstest.AzureOptions{}),
		AzureDevOpsServer: azuredevopstest.NewAzureDevOps(azuredevopstest.AzureOptions{Server: true, ContextPath: "/tfs"}),
		Harness:           harnesstest.NewHarness(),
		HarnessOwn:        harnesstest.NewHarness(),
		GitLab:            gitlabtest.NewGitLab(gitlabtest.GitLabOptions{}),
		GitLabOwn:         gitlabtest.NewGitLab(gitlabtest.GitLabOptions{RelativeRoot: "/gitlab"}),
		GitLabOld:         gitlabtest.NewGitLab(gitlabtest.GitLabOptions{Old: true}),
		SonarQube:         sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "2025.1.0.102418", ContextPath: "/sonar"}),
		SonarQubeOld:      sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "9.9.4.87374"}),
		SonarQubeCloud:    sonarqubetest.NewSonarQube(sonarqubetest.SonarQubeOptions{Version: "8.0.0.63108", Cloud: true, Anonymous: true}),
	}
	w.Entra = azuredevopstest.NewEntra(w.AzureDevOps)
	w.Handle("acme.atlassian.net", w.Jira)
	w.Handle(jiratest.GatewayHost, w.Jira)
	w.Handle("jira.example.com", w.JiraDataCenter)
	w.Handle("api.github.com", w.GitHub)
	w.Handle("api.acme.ghe.com", w.GitHub)
	w.Handle(gitHubEnterpriseHost, w.GitHubEnterprise)
	w.Handle("bitbucket.org", w.Bitbucket)
	w.Handle("bitbucket.example.com", w.BitbucketServer)
	w.Handle(bitbuckettest.BitbucketAPIHost, w.Bitbucket)
	w.Handle("dev.azure.com", w.AzureDevOps)
	w.Handle("*.visualstudio.com", w.AzureDevOps)
	w.Handle("devops.example.com", w.AzureDevOpsServer)
	w.Handle("login.microsoftonline.com", w.Entra)
	for _, host := range []string{"app.harness.io", "app3.harness.io", "accounts.eu.harness.io"} {
		w.Handle(host, w.Harness)
	}
	w.Handle("harness.example.com", w.HarnessOwn)
	w.Handle("gitlab.com", w.GitLab)
	w.Handle("gitlab.example.com", w.GitLabOwn)
	w.Handle("gitlab-old.example.com", w.GitLabOld)
	w.Handle("sonarqube.example.com", w.SonarQube)
	w.Handle("sonarqube-old.example.com", w.SonarQubeOld)
	w.Handle("sonarcloud.io", w.SonarQubeCloud)
	w.Handle("sonarqube.us", w.SonarQubeCloud)
	w.Handle("elsewhere.example.com", http.NotFoundHandler())
	return w
}

// ElsewhereURL leads to a host that no integration names. No check may call it.
const ElsewhereURL = "https://elsewhere.example.com"

// Fakes returns the fakes by the names that Control uses.
func (w *World) Fakes() map[string]providertest.Fake {
	return map[string]providertest.Fake{
		"jira": w.Jira, "jira_dc": w.JiraDataCenter,
		"github": w.GitHub, "github_enterprise": w.GitHubEnterprise,
		"bitbucket": w.Bitbucket, "bitbucket_server": w.BitbucketServer, "azure_devops": w.AzureDevOps, "azure_devops_server": w.AzureDevOpsServer, "entra": w.Entra,
		"harness": w.Harness, "harness_own": w.HarnessOwn,
		"gitlab": w.GitLab, "gitlab_own": w.GitLabOwn, "gitlab_old": w.GitLabOld,
		"sonarqube": w.SonarQube, "sonarqube_old": w.SonarQubeOld, "sonarqube_cloud": w.SonarQubeCloud,
	}
}
