package sei

import (
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
)

// The refusal of a token that is one of another kind says which, and repeats no more of
// it than that kind's beginning.
func TestKindredTokens(t *testing.T) {
	m := withJira(t)
	server := httptest.NewServer(gitlabtest.NewGitLab(gitlabtest.GitLabOptions{}))
	t.Cleanup(server.Close)
	m.write(t, "integrations/gitlab", body{"provider": "gitlab", "url": server.URL})
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	for token, says := range map[string]string{
		"gloas-": "secret of an OAuth application", "gldt-": "deploy token", "glcbt-": "job of GitLab CI", "glft-": "feed token", "glrt-": "GitLab runner",
		"ghp_": "personal access token of GitHub",
	} {
		r := m.refused(t, logical.UpdateOperation, "reauth/gitlab", body{"pat": token + "s3cr3t"}, 400, "credential_rejected")
		assert.Contains(t, r.message, "what begins with "+token+" is ")
		assert.Contains(t, r.message, says)
		assert.NotContains(t, r.message, "s3cr3t")
	}
	r := m.refused(t, logical.UpdateOperation, "reauth/gitlab", body{"pat": "glpat-unknown"}, 400, "credential_rejected")
	assert.NotContains(t, r.message, "begins with", "it is of the right kind")
	r = m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "ATCTT3xFfGs3cr3t"}, 400, "credential_rejected")
	assert.Contains(t, r.message, "what begins with ATCTT3 is an access token of a repository")
	m.github.AddClassic("mia", "ghp_good", "repo")
	r = m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": "ghp_good,glpat-s3cr3t"}, 400, "credential_rejected")
	assert.Contains(t, r.message, "what begins with glpat- is an access token of GitLab")
}
