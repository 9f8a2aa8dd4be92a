package github

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// githubRefusal is what GitHub says with any status but a good one. It is only
// matched, never quoted.
type githubRefusal struct {
	Message          string `json:"message"`
	DocumentationURL string `json:"documentation_url"`
}

// githubSaid reads a refusal.
func githubSaid(res *upstream.Response) githubRefusal {
	var said githubRefusal
	if res.Status == http.StatusOK || !res.Peek(&said) {
		return githubRefusal{}
	}
	return said
}

func (r githubRefusal) says(part string) bool {
	return strings.Contains(strings.ToLower(r.Message), part)
}

// githubSigned reports whether an answer has the header that GitHub sets on each of its
// own: whatever the answer's form, it is GitHub's.
func githubSigned(res *upstream.Response) bool { return res.Header.Get("X-Github-Request-Id") != "" }

// genuine reports whether a refusal is GitHub's own: it is signed, links to the
// documentation, or says what GitHub is known to say without a link. All others can be
// anybody's.
func (r githubRefusal) genuine(res *upstream.Response) bool {
	known := []string{
		"account was suspended", "user agent string", "not accessible by integration", "not accessible by personal access token",
		"forbids access via", "ip allow list", "oauth app access restrictions", "saml enforcement", "you need at least read:org scope",
		"do not have access to this organization membership",
	}
	return githubSigned(res) || r.Message != "" && (r.DocumentationURL != "" || slices.ContainsFunc(known, r.says))
}

// githubVendor is whose answers are believed.
const githubVendor = "GitHub"

// rejects reports whether a 401 is GitHub's word that the token is no good: one that is
// signed, whatever it says. Without the mark, "Bad credentials" alone is not enough: others
// say it, too, but with members that GitHub has not, such as a server's own address or a
// time. Early Enterprise Servers had no link to the documentation.
func (r githubRefusal) rejects(res *upstream.Response) bool {
	if githubSigned(res) {
		return true
	}
	if strings.TrimSuffix(strings.ToLower(r.Message), ".") != "bad credentials" {
		return r.Message != "" && r.documented()
	}
	return r.documented() || probe.SaysOnly(res, "message", "documentation_url", "status", "errors")
}

// documented reports whether a refusal links to GitHub's documentation.
func (r githubRefusal) documented() bool {
	link, err := url.Parse(r.DocumentationURL)
	return err == nil && slices.Contains([]string{"docs.github.com", "developer.github.com"}, strings.ToLower(link.Hostname()))
}

// missesToken reports whether a 401 says that no token came. An Enterprise Server in
// private mode has words of its own for it.
// https://github.com/octokit/octokit.js/issues/2709, https://github.com/PyGithub/PyGithub/issues/1865
func (r githubRefusal) missesToken() bool {
	return r.says("requires authentication") || r.says("must authenticate to access this api") || r.says("requires you to be authenticated")
}
