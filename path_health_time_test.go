package sei

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers/github/githubtest"
)

// withSlowGitHub has the integration gh with ten organisations and no credential, whose
// upstream takes its time for each answer, and twenty tokens.
func withSlowGitHub(t *testing.T, pause func(path string) time.Duration) (m *mount, tokens []any) {
	t.Helper()
	m = newMount(t)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(pause(r.URL.Path)):
			m.github.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(slow.Close)
	var orgs []any
	for n := range 10 {
		org := fmt.Sprintf("org-%d", n)
		m.github.AddOrganization(githubtest.GitHubOrganization{Login: org})
		orgs = append(orgs, org)
	}
	for n := range 20 {
		token := fmt.Sprintf("ghp_slow_%02d", n)
		m.github.AddClassic(fmt.Sprintf("user-%02d", n), token, "repo", "read:org")
		tokens = append(tokens, token)
	}
	m.write(t, "integrations/gh", body{"provider": "github", "url": slow.URL, "organizations": orgs})
	return m, tokens
}

// A check that the time was too short for, although the upstream answered, says so; one
// whose upstream fell silent says that.
func TestACheckThatNeedsMoreTimeSaysSo(t *testing.T) {
	m, tokens := withSlowGitHub(t, func(string) time.Duration { return 20 * time.Millisecond })
	m.write(t, "config", body{"request_timeout": 1})
	r := m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": tokens}, 502, "upstream_unreachable")
	assert.Contains(t, r.message, "needs more")
	assert.Contains(t, r.message, "request_timeout")
	assert.NotContains(t, r.message, "did not answer")
	assert.NotContains(t, r.message, "check the address")
	assert.Contains(t, r.message, "nothing was stored")
	assert.NotContains(t, r.data, "members", "none of them failed")
	m.write(t, "config", body{"request_timeout": 60})
	m.write(t, "reauth/gh", body{"pat": tokens})

	// Four tokens are asked about at a time: two rounds fit into the limit, a third does not.
	plain, tokens := withSlowGitHub(t, func(string) time.Duration { return 1200 * time.Millisecond })
	plain.write(t, "config", body{"request_timeout": 3})
	plain.write(t, "integrations/gh", body{"organizations": []any{}})
	r = plain.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": tokens[:10]}, 502, "upstream_unreachable")
	assert.Contains(t, r.message, "answered 8 requests within the time limit of 3s, and the check needs more of them: give checks more time with request_timeout")
	assert.Contains(t, r.message, "of 10 tokens, 2 were not checked to the end")

	silent, tokens := withSlowGitHub(t, func(path string) time.Duration {
		if path == "/api/v3/user" {
			return 0
		}
		return time.Hour
	})
	silent.write(t, "config", body{"request_timeout": 1})
	r = silent.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": tokens[:1]}, 502, "upstream_unreachable")
	assert.Contains(t, r.message, "did not answer")
	assert.Contains(t, r.message, "check the address")
}
