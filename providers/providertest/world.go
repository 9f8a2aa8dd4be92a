package providertest

import (
	"net/http"
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
	*Internet
	// Jira is https://acme.atlassian.net, and its gateway on api.atlassian.com.
	Jira *Jira
	// JiraDataCenter is https://jira.example.com/jira.
	JiraDataCenter *Jira
	// GitHub is api.github.com and api.acme.ghe.com.
	GitHub *GitHub
	// GitHubEnterprise is https://github.example.com.
	GitHubEnterprise *GitHub
	// Bitbucket is api.bitbucket.org, and bitbucket.org with the pages of OAuth.
	Bitbucket *Bitbucket
	// AzureDevOps is dev.azure.com, and the names below visualstudio.com.
	AzureDevOps *AzureDevOps
	// AzureDevOpsServer is https://devops.example.com/tfs.
	AzureDevOpsServer *AzureDevOps
	// Entra is https://login.microsoftonline.com, for AzureDevOps.
	Entra *Entra
	// Harness is app.harness.io, app3.harness.io and accounts.eu.harness.io.
	Harness *Harness
	// HarnessOwn is https://harness.example.com, self-managed.
	HarnessOwn *Harness
	// GitLab is https://gitlab.com.
	GitLab *GitLab
	// GitLabOwn is https://gitlab.example.com/gitlab, self-managed below a path.
	GitLabOwn *GitLab
	// GitLabOld is https://gitlab-old.example.com, older than 15.5.
	GitLabOld *GitLab
	// SonarQube is https://sonarqube.example.com/sonar, which reads Bearer.
	SonarQube *SonarQube
	// SonarQubeOld is https://sonarqube-old.example.com, which ignores it.
	SonarQubeOld *SonarQube
	// SonarQubeCloud is https://sonarcloud.io and https://sonarqube.us.
	SonarQubeCloud *SonarQube
}

// NewWorld starts an Internet with fakes that know no token yet. Close it.
func NewWorld() *World {
	w := &World{
		Internet:          NewInternet(),
		Jira:              NewJira(JiraOptions{}),
		JiraDataCenter:    NewJira(JiraOptions{DataCenter: true, ContextPath: "/jira"}),
		GitHub:            NewGitHub(),
		GitHubEnterprise:  NewGitHub(),
		Bitbucket:         NewBitbucket(),
		AzureDevOps:       NewAzureDevOps(AzureOptions{}),
		AzureDevOpsServer: NewAzureDevOps(AzureOptions{Server: true, ContextPath: "/tfs"}),
		Harness:           NewHarness(),
		HarnessOwn:        NewHarness(),
		GitLab:            NewGitLab(GitLabOptions{}),
		GitLabOwn:         NewGitLab(GitLabOptions{RelativeRoot: "/gitlab"}),
		GitLabOld:         NewGitLab(GitLabOptions{Old: true}),
		SonarQube:         NewSonarQube(SonarQubeOptions{Version: "2025.1.0.102418", ContextPath: "/sonar"}),
		SonarQubeOld:      NewSonarQube(SonarQubeOptions{Version: "9.9.4.87374"}),
		SonarQubeCloud:    NewSonarQube(SonarQubeOptions{Version: "8.0.0.63108", Cloud: true, Anonymous: true}),
	}
	w.Entra = NewEntra(w.AzureDevOps)
	w.Handle("acme.atlassian.net", w.Jira)
	w.Handle(gatewayHost, w.Jira)
	w.Handle("jira.example.com", w.JiraDataCenter)
	w.Handle("api.github.com", w.GitHub)
	w.Handle("api.acme.ghe.com", w.GitHub)
	w.Handle(gitHubEnterpriseHost, w.GitHubEnterprise)
	w.Handle("bitbucket.org", w.Bitbucket)
	w.Handle(bitbucketAPIHost, w.Bitbucket)
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
func (w *World) Fakes() map[string]Fake {
	return map[string]Fake{
		"jira": w.Jira, "jira_dc": w.JiraDataCenter,
		"github": w.GitHub, "github_enterprise": w.GitHubEnterprise,
		"bitbucket": w.Bitbucket, "azure_devops": w.AzureDevOps, "azure_devops_server": w.AzureDevOpsServer, "entra": w.Entra,
		"harness": w.Harness, "harness_own": w.HarnessOwn,
		"gitlab": w.GitLab, "gitlab_own": w.GitLabOwn, "gitlab_old": w.GitLabOld,
		"sonarqube": w.SonarQube, "sonarqube_old": w.SonarQubeOld, "sonarqube_cloud": w.SonarQubeCloud,
	}
}
