package sei

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/github/githubtest"
)

// scrape reads the metrics, as a scraper does.
func (m *mount) scrape(t *testing.T) string {
	t.Helper()
	data := m.read(t, "metrics")
	assert.Equal(t, "text/plain; version=0.0.4; charset=utf-8", data[logical.HTTPContentType])
	text, _ := data[logical.HTTPRawBody].([]byte)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	_, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	require.NoError(t, err, "%s", text)
	problems, err := promlint.New(bytes.NewReader(text)).Lint()
	require.NoError(t, err)
	assert.Empty(t, problems)
	return string(text)
}

// busyMount has a single credential, a pool, one that cannot be checked and one without.
func busyMount(t *testing.T) *mount {
	t.Helper()
	m := withJira(t)
	m.github.AddOrganization(githubtest.GitHubOrganization{Login: "acme"})
	for _, login := range []string{"one", "two"} {
		m.github.AddClassic(login, "ghp_of_"+login, "repo", "read:org")
	}
	m.write(t, "integrations/gh", body{"provider": "github", "url": m.githubURL})
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
	m.write(t, "integrations/app", body{"provider": "github", "auth_type": "github_app"})
	m.write(t, "integrations/bare", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	return m
}

func TestMetrics(t *testing.T) {
	m := busyMount(t)
	m.write(t, "creds/gh/report", body{"fingerprint": m.read(t, "creds/gh")["fingerprint"], "status_code": 200, "remaining": 77, "reset_at": float64(time.Now().Add(time.Hour).Unix())})
	m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "canary-secret"}, 400, "credential_rejected")
	m.refused(t, logical.UpdateOperation, "reauth/nobody", body{"email": email}, 404, "unknown_integration")
	m.github.Revoke("ghp_of_two")
	m.write(t, "health/gh", nil)
	text := m.scrape(t)
	for _, line := range []string{
		`vault_sei_integrations{provider="github",status="degraded"} 1`,
		`vault_sei_integrations{provider="github",status="not_checked"} 1`,
		`vault_sei_integrations{provider="jira",status="healthy"} 1`,
		`vault_sei_integrations{provider="jira",status="expiring"} 0`,
		`vault_sei_integration_up{integration="bare",provider="jira"} 0`,
		`vault_sei_integration_up{integration="gh",provider="github"} 1`,
		`vault_sei_pool_tokens{integration="gh",state="healthy"} 1`,
		`vault_sei_pool_tokens{integration="gh",state="needs_reauth"} 1`,
		`vault_sei_pool_tokens{integration="gh",state="degraded"} 0`,
		`vault_sei_reauth_total{code="ok",provider="jira"} 1`,
		`vault_sei_reauth_total{code="credential_rejected",provider="jira"} 1`,
		`vault_sei_checks_total{code="ok",provider="github"} 1`,
		`vault_sei_build_info{version="v0.0.0-dev"} 1`,
	} {
		assert.Contains(t, text, "\n"+line+"\n")
	}
	assert.Regexp(t, `vault_sei_checks_total\{code="credential_rejected",provider="github"\} [12]\n`, text)
	assert.Regexp(t, `vault_sei_upstream_request_duration_seconds_count\{provider="github"\} [1-9]`, text)
	assert.Contains(t, text, `vault_sei_pool_quota_remaining{integration="gh",resource="core"} `)
	assert.NotContains(t, text, `integration="app"`, "nothing is known of what cannot be checked")
	for _, hidden := range []string{"mia", "canary", "ghp_", "one", m.jiraURL} {
		assert.NotContains(t, strings.ReplaceAll(text, "none", ""), hidden)
	}
}

// The series of single integrations can be left out, and a scrape asks nobody.
func TestMetricsOfTheWholeOnly(t *testing.T) {
	m := busyMount(t)
	m.write(t, "config", body{"metrics_by_integration": false})
	requests := len(m.jira.Requests()) + len(m.github.Requests())
	text := m.scrape(t)
	assert.NotContains(t, text, `integration="`)
	assert.Contains(t, text, `vault_sei_integrations{provider="jira",status="healthy"} 1`)
	m.write(t, "config", body{"metrics_by_integration": true})
	assert.Contains(t, m.scrape(t), `integration="`)
	assert.Equal(t, requests, len(m.jira.Requests())+len(m.github.Requests()))
}

// Every mount counts for itself, though all are in one process.
func TestMetricsAreOfOneMount(t *testing.T) {
	withJira(t)
	assert.NotContains(t, newMount(t).scrape(t), "vault_sei_reauth_total")
}

func TestMetricsAnswerWithText(t *testing.T) {
	answers := newMount(t).document(t).Paths["/"+metricsPath].Get.Responses
	assert.Contains(t, answers[200].Content, "text/plain")
}
