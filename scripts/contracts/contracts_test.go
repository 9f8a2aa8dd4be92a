// Package contracts_test holds what the checks send against the vendors' own descriptions
// of their APIs, which Prism serves: make contracts. It reaches no vendor: the checks ask
// the fakes, and each request that they were asked is then put to Prism. The descriptions
// are fetched and pinned by scripts/contracts.sh, and none is part of this repository.
// Begin with descriptions.
package contracts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/catalog"
)

// description is a vendor's, and which requests it is about.
type description struct {
	// name is that by which scripts/contracts.sh knows it.
	name string
	// path returns where a request is in it; "" where it is about something else.
	path func(r sent) string
	// aside changes what the vendor documents elsewhere and leaves out of the description;
	// nil where there is nothing.
	aside func(h http.Header)
}

// at is for requests to a host below a path, which the description leaves out.
func at(root string, hosts ...string) func(r sent) string {
	return func(r sent) string {
		path, below := strings.CutPrefix(r.path, root)
		if !below || !slices.Contains(hosts, r.host) {
			return ""
		}
		return path
	}
}

// azure is for the requests of Azure DevOps Services that are about one area of its API.
func azure(area string) func(r sent) string {
	return func(r sent) string {
		_, called, _ := strings.Cut(r.path, "/_apis/")
		if r.host != "dev.azure.com" || called != area && !strings.HasPrefix(called, area+"/") {
			return ""
		}
		return r.path
	}
}

// gateway is for the requests of Jira Cloud, at its site or at Atlassian's gateway.
func gateway(r sent) string {
	switch {
	case r.host == "acme.atlassian.net" && strings.HasPrefix(r.path, "/rest/"):
		return r.path
	case r.host == "api.atlassian.com":
		_, path, _ := strings.Cut(strings.TrimPrefix(r.path, "/ex/jira/"), "/")
		return "/" + path
	}
	return ""
}

// ask puts a request to Prism, and returns what is wrong with it.
func (d description) ask(t *testing.T, p prism, r sent, path string) []string {
	t.Helper()
	if d.aside != nil {
		r.all = r.all.Clone()
		d.aside(r.all)
	}
	return p.violations(t, r, path)
}

// plainJSON: GitHub recommends a name of its own for what its description calls JSON.
// https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#accept
func plainJSON(h http.Header) {
	if h.Get("Accept") == "application/vnd.github+json" {
		h.Set("Accept", "application/json")
	}
}

// tokens: each operation of Azure DevOps names OAuth alone, and the whole description personal
// access tokens, which are sent as Basic and work with all.
// https://learn.microsoft.com/en-us/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
func tokens(h http.Header) {
	if token, basic := strings.CutPrefix(h.Get("Authorization"), "Basic "); basic {
		h.Set("Authorization", "Bearer "+token)
	}
}

// descriptions are all that can be had and pinned.
func descriptions() []description {
	return []description{
		{"github", at("", "api.github.com", "api.acme.ghe.com"), plainJSON},
		{"github_enterprise", at("/api/v3", "github.example.com"), plainJSON},
		{"jira", gateway, nil},
		{"bitbucket", at("/2.0", "api.bitbucket.org"), nil},
		{"azure_core", azure("projects"), tokens},
		{"azure_boards", azure("wit"), tokens},
		{"azure_repos", azure("git"), tokens},
		{"azure_pipelines", azure("build"), tokens},
	}
}

// undescribed says why no description knows a request: by the host, or by a part of the
// path that stands after it.
func undescribed() map[string]string {
	return map[string]string{
		"dev.azure.com/_apis/connectionData":     "Microsoft describes no area for it",
		"acme.atlassian.net/rest/api/2/":         "it is asked as if it were a Data Center; the description is of the Cloud's version 3",
		"bitbucket.org":                          "the description has no authorization server",
		"login.microsoftonline.com":              "Microsoft describes no authorization server in this form",
		"acme.atlassian.net/_edge/":              "Atlassian describes it in its support pages only",
		"contoso.visualstudio.com":               "the old names of Azure DevOps are in no description",
		"devops.example.com":                     "Azure DevOps Server: Microsoft's differ from the above in their host only",
		"api.bitbucket.org/2.0/workspaces/":      "the description that can be pinned is older",
		"api.bitbucket.org/2.0/user/workspaces/": "the description that can be pinned is older",
		"jira.example.com":                       "Atlassian publishes none of Jira Data Center that could be pinned",
		"bitbucket.example.com":                  "Atlassian publishes none of Bitbucket Data Center that could be pinned",
		"app.harness.io":                         "Harness's package for clients leaves tokens out",
		"accounts.eu.harness.io":                 "Harness's package for clients leaves tokens out",
		"harness.example.com":                    "Harness's package for clients leaves tokens out",
		"gitlab.com":                             "GitLab's is in its own repository only, and is not pinned yet",
		"gitlab.example.com":                     "GitLab's is in its own repository only, and is not pinned yet",
		"gitlab-old.example.com":                 "GitLab's is in its own repository only, and is not pinned yet",
		"sonarqube.example.com":                  "Sonar describes these services in a form of its own",
		"sonarqube-old.example.com":              "Sonar describes these services in a form of its own",
		"sonarcloud.io":                          "Sonar describes these services in a form of its own",
		"sonarqube.us":                           "Sonar describes these services in a form of its own",
	}
}

// why is the reason for which no description knows a request, by the key of undescribed.
func why(r sent) (key string) {
	for key := range undescribed() {
		host, part, _ := strings.Cut(key, "/")
		if r.host == host && strings.Contains(r.path, "/"+part) {
			return key
		}
	}
	return ""
}

// wanted skips where not make contracts runs the test.
func wanted(t *testing.T) {
	t.Helper()
	layer.Check(t, "that no request of a check violates the vendors' descriptions")
	if os.Getenv("SEI_CONTRACTS") == "" {
		t.Skip("make contracts holds the requests of checks against the vendors' descriptions")
	}
	layer.NeverCached()
}

// find returns the path of what scripts/contracts.sh provides, and skips where it cannot be had.
func find(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, "../contracts.sh", name)
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		t.Skip("it cannot be had: ", strings.TrimSpace(said.String()))
	}
	require.NoError(t, err, said.String())
	return strings.TrimSpace(string(out))
}

// No request of a check violates a description.
func TestRequestsKeepToTheDescriptions(t *testing.T) {
	wanted(t)
	program := find(t, "prism")
	all := requests(t)
	for _, d := range descriptions() {
		t.Run(d.name, func(t *testing.T) {
			prism := serve(t, program, find(t, d.name))
			asked := map[string]bool{}
			var first sent
			for _, r := range all {
				path := d.path(r)
				if key := fmt.Sprint(r.method, path, r.query, r.header, r.body); path != "" && why(r) == "" && !asked[key] {
					asked[key], first = true, r
					assert.Empty(t, d.ask(t, prism, r, path), "%s: %s %s%s?%s", r.by, r.method, r.host, r.path, r.query)
				}
			}
			t.Logf("%d different requests", len(asked))
			require.NotEmpty(t, asked, "no check asks what it describes")
			// What is not described is seen, too.
			assert.NotEmpty(t, d.ask(t, prism, first, d.path(first)+"/nowhere/at/all"))
			first.method = "TRACE"
			assert.NotEmpty(t, d.ask(t, prism, first, d.path(first)))
		})
	}
}

// Each request that a check of any auth type can send is one that a description is about, or
// there is a reason why none is. It needs no Prism.
func TestEachRequestHasADescriptionOrAReason(t *testing.T) {
	used := map[string]bool{}
	for _, r := range requests(t) {
		key := why(r)
		used[key] = true
		described := slices.ContainsFunc(descriptions(), func(d description) bool { return d.path(r) != "" })
		assert.True(t, described || key != "", "%s: no description is about %s %s%s: say in undescribed() why", r.by, r.method, r.host, r.path)
	}
	for key := range undescribed() {
		assert.True(t, used[key], "no check asks %s", key)
	}
}

// The checks of all auth types are among those that were run.
func TestAllAuthTypesAreDriven(t *testing.T) {
	registry := catalog.All("contracts")
	defer registry.Close()
	driven := map[string]bool{}
	for _, r := range requests(t) {
		driven[r.provider+" "+r.auth] = true
	}
	for _, name := range registry.Names() {
		for _, auth := range registry.Spec(name).AuthTypes {
			if auth.Unsupported == "" {
				assert.True(t, driven[name+" "+auth.Name], "no request of %s, auth type %s", name, auth.Name)
			}
		}
	}
}
