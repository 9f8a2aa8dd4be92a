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
}

// NewWorld starts an Internet with fakes that know no token yet. Close it.
func NewWorld() *World {
	w := &World{
		Internet:         NewInternet(),
		Jira:             NewJira(JiraOptions{}),
		JiraDataCenter:   NewJira(JiraOptions{DataCenter: true, ContextPath: "/jira"}),
		GitHub:           NewGitHub(),
		GitHubEnterprise: NewGitHub(),
	}
	w.Handle("acme.atlassian.net", w.Jira)
	w.Handle(gatewayHost, w.Jira)
	w.Handle("jira.example.com", w.JiraDataCenter)
	w.Handle("api.github.com", w.GitHub)
	w.Handle("api.acme.ghe.com", w.GitHub)
	w.Handle(gitHubEnterpriseHost, w.GitHubEnterprise)
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
	}
}
