package github

import (
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// githubAPI is where a GitHub answers.
type githubAPI struct {
	root string
	// vendor is set where GitHub itself runs the host.
	vendor bool
	scheme string
	// hosts are those that a link for a person may lead to.
	hosts []string
}

const (
	githubHost      = "github.com"
	githubCloudHost = ".ghe.com"
	githubAPIPrefix = "api."
)

// findGitHubAPI finds the API's root for what people copy from the browser.
//
// github.com and its data residency: https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api
// Enterprise Server: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api
func findGitHubAPI(p probe.Probe, raw string) (githubAPI, *providers.Error) {
	u, err := p.Root(raw)
	if err != nil {
		return githubAPI{}, err
	}
	probe.TrimAPIPath(u, "/api/v3", "/api")
	host, port := u.Hostname(), u.Port()
	web := strings.TrimPrefix(strings.TrimPrefix(host, "www."), githubAPIPrefix)
	if web != githubHost && !strings.HasSuffix(web, githubCloudHost) {
		return githubAPI{root: u.JoinPath("api", "v3").String(), scheme: u.Scheme, hosts: []string{u.Host}}, nil
	}
	if u.Path != "" {
		return githubAPI{}, p.Invalid("url", "url is the root without a path, https://%s; name organisations in the setting organizations", web)
	}
	api := url.URL{Scheme: u.Scheme, Host: probe.WithPort(githubAPIPrefix+web, port)}
	return githubAPI{root: api.String(), vendor: true, scheme: u.Scheme, hosts: []string{probe.WithPort(web, port), api.Host}}, nil
}

var githubLoginForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)

// isGitHubLogin accepts what can be one segment of a path; GitHub's own rule for
// logins differs between products and has changed.
func isGitHubLogin(name string) bool {
	return githubLoginForm.MatchString(name)
}
