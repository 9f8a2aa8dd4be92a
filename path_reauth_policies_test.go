package sei

import (
	"slices"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestPoliciesRefuse a credential that works: who refuses and where to change it is
// said, and nobody is asked to replace it.
func TestPoliciesRefuse(t *testing.T) {
	github, jira := githubtest.GitHubAnswers(), jiratest.JiraAnswers()
	refused401 := jira["ip_rejected"]
	refused401.Status = 401
	cases := []struct {
		name, provider string
		fault          providertest.Fault
		says, url      string
	}{
		{"an organisation's allow list", "github", github["ip_allow_list"].At("/orgs/acme"), "list the address of this Vault", ""},
		{"an enterprise's allow list", "github", github["enterprise_ip_allow_list"].At("/user"), "list the address of this Vault", ""},
		{"an organisation's longest life", "github", github["org_forbids_token_lifetime"].At("/orgs/acme"), "the organisation acme forbids", "https://github.com/settings/personal-access-tokens/12345678"},
		{"an enterprise's longest life", "github", github["enterprise_forbids_lifetime"].At("/orgs/acme"), "the enterprise of the organisation acme forbids", "https://github.com/settings/personal-access-tokens/4277325"},
		{"the same on the path of Actions", "github_actions", github["enterprise_forbids_lifetime"].At("/actions/runs"), "the enterprise of the organisation acme forbids", "https://github.com/settings/personal-access-tokens/4277325"},
		{"an allow list on the path of Actions", "github_actions", github["ip_allow_list"].At("/actions/runs"), "list the address of this Vault", ""},
		{"Jira's allowlist", "jira", jira["ip_rejected"].At("/rest/api/3/myself"), "list the address of this Vault", ""},
		{"Jira's allowlist, told with 401", "jira", refused401.At("/rest/api/3/myself"), "list the address of this Vault", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := catalogtest.Suites()[c.provider].Questions[0]
			m := withCase(t, c.provider, q.Of)
			q.Fake(m.world).Behave(c.fault)
			r := m.refused(t, logical.UpdateOperation, "reauth/one", sentFields(q.Of.Credential), 400, "insufficient_scope")
			assert.Contains(t, r.message, c.says)
			assert.Contains(t, r.message, "version 1 stays in use")
			url, _ := r.data["url"].(string)
			assert.Equal(t, c.url, url)
			for range 3 {
				h := m.write(t, "health/one", nil).data
				require.Equal(t, "degraded", h["status"], h["message"])
				assert.Contains(t, h["message"], c.says)
			}
			assert.Equal(t, 1, m.read(t, "creds/one")["version"])
			q.Fake(m.world).Behave(providertest.Fault{})
			assert.Equal(t, "healthy", m.write(t, "health/one", nil).data["status"])
		})
	}
}

// TestPrivateModeIsNoVerdict: GitHub Enterprise Server says that no token came.
func TestPrivateModeIsNoVerdict(t *testing.T) {
	questions := catalogtest.Suites()["github"].Questions
	i := slices.IndexFunc(questions, func(q catalogtest.Question) bool { return q.Of.Target.URL == catalogtest.GitHubEnterpriseURL })
	require.GreaterOrEqual(t, i, 0)
	q := questions[i]
	m := withCase(t, "github", q.Of)
	m.world.GitHubEnterprise.Behave(githubtest.GitHubAnswers()["private_mode"].At("/user"))
	r := m.refused(t, logical.UpdateOperation, "reauth/one", sentFields(q.Of.Credential), 502, "upstream_error")
	assert.Contains(t, r.message, "did not see the token")
	for range 3 {
		assert.Equal(t, "unreachable", m.write(t, "health/one", nil).data["status"])
	}
}
