package jira

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

const (
	jiraGatewayHost = "api.atlassian.com"
	jiraGatewayPath = "/ex/jira/"
	jiraCloudSuffix = ".atlassian.net"
)

// jiraSite is where a Jira answers.
type jiraSite struct {
	title string
	// root is the url without slash and API path.
	root *url.URL
	// api is the path of the API below a root; Cloud has version 3.
	api string
	// gateway is where a token with scopes works, if it does not work at root.
	gateway string
}

// site finds the roots that the target names. The credential goes nowhere else.
func (jira) site(t providers.Target) (jiraSite, *providers.Error) {
	p := probe.Probe{Title: "Jira"}
	root, err := p.Root(t.URL)
	if err != nil {
		return jiraSite{}, err
	}
	s := jiraSite{title: p.Title, root: root, api: "/rest/api/3"}
	probe.TrimAPIPath(root, "/rest/api/2", "/rest/api/3", "/rest/api/latest", "/rest/api", "/rest")
	if t.AuthType == jiraPAT {
		s.api = "/rest/api/2"
	}
	id := t.Settings.Text(jiraCloudID)
	if id != "" && !isCloudID(id) {
		return jiraSite{}, p.Invalid(jiraCloudID, "cloud_id may hold letters, digits and hyphens only")
	}
	switch host := root.Hostname(); {
	case host == jiraGatewayHost:
		return s, gatewayRoot(p, root)
	case strings.HasSuffix(host, jiraCloudSuffix):
		root.Path, root.RawPath = "", ""
	case strings.Contains(root.Path, "/browse/"), strings.HasSuffix(root.Path, ".jspa"):
		return s, p.Invalid("url", "url is the root of Jira, not the address of an issue or of another page")
	}
	switch {
	case id != "" && t.AuthType != jiraPAT:
		s.gateway = "https://" + jiraGatewayHost + jiraGatewayPath + id
	case t.AuthType == jiraServiceAccount:
		return s, p.Invalid(jiraCloudID, "cloud_id is needed: a service account's token works through %s only; https://<site>.atlassian.net/_edge/tenant_info shows the id", jiraGatewayHost)
	}
	return s, nil
}

// gatewayRoot demands the cloud id in the path.
func gatewayRoot(p probe.Probe, root *url.URL) *providers.Error {
	id, ok := strings.CutPrefix(root.Path, jiraGatewayPath)
	if !ok || !isCloudID(id) {
		return p.Invalid("url", "the url of the gateway has the form https://%s%s<cloud id>", jiraGatewayHost, jiraGatewayPath)
	}
	return nil
}

var cloudIDForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)

func isCloudID(id string) bool {
	return cloudIDForm.MatchString(id)
}

// sameSite demands that cloud_id is the site's, for the gateway believes a token for
// every site of its account. A site that does not tell its id is a warning. It is asked
// without credential.
// https://support.atlassian.com/jira/kb/retrieve-my-atlassian-sites-cloud-id
func (c jiraCheck) sameSite(ctx context.Context) (warning string, _ *providers.Error) {
	var told struct {
		CloudID string `json:"cloudId"`
	}
	res, err := c.Get(ctx, c.site.root.String()+"/_edge/tenant_info", http.Header{"Accept": {"application/json"}})
	if err == nil && res.Status == http.StatusOK && res.Peek(&told) && isCloudID(told.CloudID) {
		if strings.HasSuffix(strings.ToLower(c.site.gateway), "/"+strings.ToLower(told.CloudID)) {
			return "", nil
		}
		return "", c.Invalid(jiraCloudID, "cloud_id is that of another site: %q tells another one at /_edge/tenant_info; correct cloud_id or url", c.site.root.Host)
	}
	return "the site did not tell its own cloud id, so it was not proved that cloud_id is the one of url", nil
}
