package bitbucket

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func TestBitbucketRights(t *testing.T) {
	known := []string{
		"account", "account:write", "email", "issue:write", "pipeline:variable", "project:admin", "read:pull-request:bitbucket",
		"manage:webhook:bitbucket", "repository:delete", "runner:write", "webhook",
	}
	assert.ElementsMatch(t, known, bitbucketRights(known))
	assert.Empty(t, bitbucketRights([]string{
		"squirrel", "account:squirrel", "account:write:x", "read:user:jira", "own:user:bitbucket", "read:us3r:bitbucket", "read::bitbucket",
		"Account", "x\nproject", "read:" + strings.Repeat("a", 60) + ":bitbucket",
	}))
}

func TestBitbucketAPI(t *testing.T) {
	p := probe.Probe{Title: "Bitbucket"}
	for _, raw := range []string{"https://bitbucket.org", "https://Bitbucket.org/", "https://www.bitbucket.org", "https://api.bitbucket.org/2.0", "https://bitbucket.org/2.0/"} {
		api, err := bitbucketAPI(p, raw)
		require.Nil(t, err, raw)
		assert.Equal(t, "https://api.bitbucket.org/2.0", api)
	}
	for _, raw := range []string{
		"", "bitbucket.org", "https://bitbucket.org/acme", "https://bitbucket.org/acme/2.0", "https://bitbucket.example.com",
		"https://bitbucket.org.example.com", "https://evil-bitbucket.org", "https://bitbucket.org@example.com", "https://bitbucket.org?x",
	} {
		_, err := bitbucketAPI(p, raw)
		require.NotNil(t, err, raw)
		assert.Equal(t, []string{"url"}, err.Fields)
	}
}

func TestBitbucketWorkspace(t *testing.T) {
	for name, want := range map[string]bool{
		"acme": true, "Acme-Team_1.x": true, "_acme": true, "{12345678-9abc-def0-1234-56789abcdef0}": true,
		"": false, ".": false, "..": false, "a/b": false, "a%2fb": false, "a?b": false, "{x}": false, "-acme": false, "acme ": false,
	} {
		assert.Equal(t, want, isBitbucketWorkspace(name), name)
	}
}

func TestResource(t *testing.T) {
	for r, path := range map[resource]string{
		{"acme", "", "app"}: "/repositories/acme/app", {"acme", "WEB", ""}: "/workspaces/acme/projects/WEB", {"acme", "", ""}: "/repositories/acme?pagelen=1",
		{"{12345678-9abc-def0-1234-56789abcdef0}", "", "app"}: "/repositories/%7B12345678-9abc-def0-1234-56789abcdef0%7D/app",
	} {
		assert.Equal(t, path, r.path())
	}
	for kind, reaches := range map[string][3]bool{kindRepository: {true, false, false}, kindProject: {true, true, false}, kindWorkspace: {true, true, true}} {
		for i, r := range []resource{{"acme", "", "app"}, {"acme", "WEB", ""}, {"acme", "", ""}} {
			assert.Equal(t, reaches[i], r.reaches(kind), "%s of %s", kind, r)
		}
	}
	for _, key := range []string{"WEB", "web_1", "~mia", "~mia.m"} {
		assert.True(t, projectForm.MatchString(key), key)
	}
	for _, key := range []string{"", ".", "..", "~", "~~x", "a/b", "a%2fb", "a b", "-x"} {
		assert.False(t, projectForm.MatchString(key), key)
	}
}

// FuzzBitbucketRefusal: only a 401 makes a token bad, and no words are repeated
// but names of scopes.
func FuzzBitbucketRefusal(f *testing.F) {
	seeds := []struct {
		status int
		kind   string
		body   string
	}{
		{403, "", `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"required":["account"],"granted":["team"]}}}`},
		{403, "repo_access_token", ``},
		{403, "", `{"error":{"message":"privilege scopes","detail":"text"}}`},
		{403, "", `{"error":{"detail":{"required":[7]}}}`},
		{401, "", `{"errors":[{"exceptionName":"com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException"}]}`},
		{401, "", `{"errors":[]}`},
		{404, "api_token", `{"error":{"message":"No workspace with identifier"}}`},
		{404, "", `{"errors":[{"exceptionName":"com.atlassian.bitbucket.repository.NoSuchRepositoryException","message":"squirrel"}]}`},
		{401, "repo_access_token", `{"type":"error","error":{"message":"squirrel"}}`},
		{410, "", `{"error":{"message":"CHANGE-2770","detail":"x"}}`},
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s.status, s.kind, []byte(s.body))
	}
	c := bitbucketCheck{Probe: probe.Probe{Title: "Bitbucket"}, workspace: "acme"}
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		res := &upstream.Response{Host: "api.bitbucket.org", Status: status, Header: http.Header{"X-Credential-Type": {kind}}, Body: body}
		access := accessCheck{c, resource{workspace: "acme"}}
		server := serverCheck{Probe: c.Probe, root: "https://bitbucket.example.com"}
		for _, err := range []*providers.Error{c.judge(res), c.judgeMember(res), server.judge(res), access.reached(res, alive{kind: kindWorkspace})} {
			if err == nil {
				assert.Equal(t, http.StatusOK, status)
				continue
			}
			assert.True(t, err.Outcome != providers.Rejected || status == http.StatusUnauthorized)
			assert.NotContains(t, err.Detail, "CHANGE")
			assert.NotContains(t, err.Detail, "squirrel")
			for _, name := range err.Missing {
				assert.True(t, name == "acme" || len(bitbucketRights([]string{name})) == 1, name)
			}
		}
	})
}
