package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/metrics"
)

func noon() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

func text(t *testing.T, m *metrics.Mount, each bool, all ...*health.Assessment) string {
	t.Helper()
	out, err := m.Text(all, noon(), each)
	require.NoError(t, err)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	_, err = parser.TextToMetricFamilies(strings.NewReader(string(out)))
	require.NoError(t, err)
	return string(out)
}

func seen(name string, h health.Health) *health.Assessment {
	return &health.Assessment{Integration: &backend.Integration{Name: name, Provider: "github"}, Health: h}
}

// What an engine shows that has done nothing is what it is.
func TestNothingIsKnown(t *testing.T) {
	assert.Equal(t, "# HELP vault_sei_build_info The version of the plugin, with the value 1.\n# TYPE vault_sei_build_info gauge\nvault_sei_build_info{version=\"v1.2.3\"} 1\n",
		text(t, metrics.New("v1.2.3"), true))
}

func TestWhetherACredentialWorks(t *testing.T) {
	for status, want := range map[backend.Status]string{
		backend.StatusHealthy: "1", backend.StatusExpiring: "1", backend.StatusDegraded: "1", backend.StatusUnreachable: "1", backend.StatusNeedsReauth: "0",
	} {
		out := text(t, metrics.New("v1"), true, seen("a", health.Health{Status: status}))
		assert.Contains(t, out, `vault_sei_integration_up{integration="a",provider="github"} `+want+"\n", status)
		assert.Contains(t, out, fmt.Sprintf("vault_sei_integrations{provider=\"github\",status=%q} 1\n", status))
	}
	assert.NotContains(t, text(t, metrics.New("v1"), true, seen("a", health.Health{Status: backend.StatusNotChecked})), "integration_up")
}

// Tokens of one account share a quota, a dead token gives access to none, and of a window
// that is over nothing is known.
func TestQuotasOfAPool(t *testing.T) {
	left := func(remaining int64, resets time.Duration) map[string]quota.Quota {
		return map[string]quota.Quota{"core": {Remaining: remaining, ResetAt: noon().Add(resets)}}
	}
	members := []health.MemberHealth{
		{Identity: "ada", Status: backend.StatusNeedsReauth, Quotas: left(1, time.Minute)},
		{Identity: "ada", Status: backend.StatusHealthy, Quotas: left(100, time.Minute)},
		{Identity: "ada", Status: backend.StatusExpiring, Quotas: left(100, time.Minute)},
		{Identity: "bob", Status: backend.StatusHealthy, Quotas: left(23, time.Minute)},
		{Identity: "eve", Status: backend.StatusHealthy, Quotas: left(4000, -time.Minute)},
		{Identity: "fay", Status: backend.StatusNeedsReauth, Quotas: left(4000, time.Minute)},
	}
	out := text(t, metrics.New("v1"), true, seen("pool", health.Health{Status: backend.StatusDegraded, Members: members}))
	assert.Contains(t, out, "vault_sei_pool_quota_remaining{integration=\"pool\",resource=\"core\"} 123\n")
	for state, n := range map[string]int{"healthy": 3, "expiring": 1, "needs_reauth": 2, "degraded": 0, "unreachable": 0} {
		assert.Contains(t, out, fmt.Sprintf("vault_sei_pool_tokens{integration=\"pool\",state=%q} %d\n", state, n))
	}
	for _, account := range []string{"ada", "bob", "eve", "fay"} {
		assert.NotContains(t, out, account)
	}
}

// Without the series of single integrations there are those of all.
func TestTheWholeOnly(t *testing.T) {
	out := text(t, metrics.New("v1"), false, seen("a", health.Health{Status: backend.StatusHealthy}))
	assert.Contains(t, out, "vault_sei_integrations{provider=\"github\",status=\"healthy\"} 1\n")
	assert.NotContains(t, out, "integration=")
}

// A name with what the format uses itself breaks no line.
func TestLabelsAreEscaped(t *testing.T) {
	out := text(t, metrics.New("v1"), true, seen("a\"b\\c\nd", health.Health{Status: backend.StatusHealthy}))
	assert.Contains(t, out, `{integration="a\"b\\c\nd",provider="github"} 1`)
}
