package sei

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/github/githubtest"
)

// eventLog takes the events of a mount, or has no event system.
type eventLog struct {
	mu    sync.Mutex
	sent  []map[string]any
	whole []string // all that Vault is given
	fail  error
}

func (l *eventLog) SendEvent(_ context.Context, kind logical.EventType, event *logical.EventData) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	sent := event.Metadata.AsMap()
	sent["type"] = string(kind)
	l.sent = append(l.sent, sent)
	l.whole = append(l.whole, event.String())
	return nil
}

func (l *eventLog) types() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var types []string
	for _, sent := range l.sent {
		kind, _ := sent["type"].(string)
		types = append(types, kind)
	}
	return types
}

// withEvents is withJira whose events are noted.
func withEvents(t *testing.T, log *eventLog) *mount {
	t.Helper()
	m := withJira(t)
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.storage, System: &logical.StaticSystemView{}, EventsSender: log}))
	return m
}

func TestHealth(t *testing.T) {
	m := withJira(t)
	h := m.read(t, "health/jira")
	assert.Equal(t, "healthy", h["status"])
	assert.Empty(t, h["code"])
	assert.EqualValues(t, 1, h["version"])
	assert.NotEmpty(t, h["checked_at"])
	assert.NotContains(t, h, "members")
	m.jira.Revoke("key-1")
	assert.Equal(t, "healthy", m.read(t, "health/jira")["status"], "a read asks nobody")
	h = m.write(t, "health/jira", nil).data
	assert.Equal(t, "needs_reauth", h["status"])
	assert.Equal(t, "credential_rejected", h["code"])
	assert.Equal(t, h, m.read(t, "health/jira"))
	assert.Equal(t, "needs_reauth", m.read(t, "integrations/jira")["status"])
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	assert.Equal(t, "healthy", m.read(t, "health/jira")["status"])

	m.refused(t, logical.UpdateOperation, "health/jira", body{"api_key": "key-1"}, 400, "field_not_allowed")
	m.refused(t, logical.UpdateOperation, "health/nobody", nil, 404, "unknown_integration")
	m.refused(t, logical.ReadOperation, "health/nobody", nil, 404, "unknown_integration")
}

func TestHealthList(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/app", body{"provider": "github", "auth_type": "github_app", "labels": body{"team": "a"}})
	r := m.ok(t, logical.ListOperation, "health/", nil)
	assert.Equal(t, []string{"app", "jira"}, r.data["keys"])
	info, _ := r.data["key_info"].(map[string]any)
	app, _ := info["app"].(healthInfo)
	assert.Equal(t, healthInfo{Status: "not_checked", Provider: "github", Labels: map[string]string{"team": "a"}}, app)
	jira, _ := info["jira"].(healthInfo)
	assert.Equal(t, "healthy", jira.Status)
	encoded, err := json.Marshal(jira)
	require.NoError(t, err)
	assert.JSONEq(t, `{"status": "healthy", "reason": "", "checked_at": "`+jira.CheckedAt+`", "expires_at": "", "provider": "jira", "labels": {}}`, string(encoded))
}

// A list is made once for a snapshot, and is not kept after it.
func TestAHealthListIsKeptAsLongAsItsSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last listed
		first, second := &health.Snapshot{}, &health.Snapshot{}
		list := last.of(first)
		list.info["mark"] = true
		assert.Contains(t, last.of(first).info, "mark", "the same list")
		assert.NotContains(t, last.of(second).info, "mark", "another snapshot has another list")
		time.Sleep(listedLife)
		synctest.Wait()
		assert.Nil(t, last.from)
		assert.Empty(t, last.list)
	})
}

func TestStatusOfTheFleet(t *testing.T) {
	m := withJira(t)
	soon := time.Now().Add(50 * time.Hour).UTC().Truncate(time.Second)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2", "expires_at": timestamp(soon)})
	m.write(t, "integrations/bare", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	s := m.read(t, "status")
	assert.Equal(t, 2, s["total"])
	counts, _ := s["by_status"].(map[string]any)
	assert.Equal(t, map[string]any{"not_checked": 0, "healthy": 0, "expiring": 1, "degraded": 0, "unreachable": 0, "needs_reauth": 1}, counts)
	providers, _ := s["by_provider"].(map[string]any)
	assert.Equal(t, map[string]any{"jira": counts}, providers)
	next, _ := s["expires_next"].([]map[string]any)
	require.Len(t, next, 1)
	assert.Equal(t, "jira", next[0]["name"])
	assert.Equal(t, 2, next[0]["days_left"])
	assert.Equal(t, timestamp(soon), next[0]["expires_at"])
	needs, _ := s["needs_person"].([]map[string]any)
	require.Len(t, needs, 1)
	assert.Equal(t, "bare", needs[0]["name"])
	assert.Equal(t, "no_credential", needs[0]["code"])
}

func TestEvents(t *testing.T) {
	log := &eventLog{}
	m := withEvents(t, log)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "canary-secret"}, 400, "credential_rejected")
	m.jira.Revoke("key-2")
	m.write(t, "health/jira", nil)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
	assert.Equal(t, []string{"sei/reauth", "sei/reauth-failed", "sei/health-changed", "sei/health-changed", "sei/reauth"}, log.types())
	assert.Equal(t, map[string]any{
		"type": "sei/reauth", "name": "jira", "provider": "jira", "version": "2", "status": "healthy", "code": "", "modified": "true", "data_path": "creds/jira",
		"path": "creds/jira", "operation": "reauth",
	}, log.sent[0])
	assert.Equal(t, "credential_rejected", log.sent[1]["code"])
	assert.Equal(t, "needs_reauth", log.sent[2]["status"])
	assert.Equal(t, "health/jira", log.sent[2]["data_path"])
	shown, err := json.Marshal(log.sent)
	require.NoError(t, err)
	for _, secret := range []string{"key-1", "key-2", "canary-secret"} {
		assert.NotContains(t, string(shown), secret)
	}
	log.fail = errors.New("no event system")
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
}

func TestReports(t *testing.T) {
	m := withJira(t)
	m.github.AddOrganization(githubtest.GitHubOrganization{Login: "acme"})
	for _, login := range []string{"one", "two"} {
		m.github.AddClassic(login, "ghp_of_"+login, "repo", "read:org")
	}
	m.write(t, "integrations/gh", body{"provider": "github", "url": m.githubURL})
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
	first := m.read(t, "creds/gh")
	assert.Equal(t, "ghp_of_one", first["pat"])
	assert.Equal(t, []string{"ghp_of_one", "ghp_of_two"}, first["pats"])
	report := body{"fingerprint": first["fingerprint"], "status_code": 200.0, "remaining": 3.0, "reset_at": float64(time.Now().Add(time.Hour).Unix())}
	m.write(t, "creds/gh/report", report)
	second := m.read(t, "creds/gh")
	assert.Equal(t, "ghp_of_two", second["pat"])
	assert.Equal(t, "Bearer ghp_of_two", authorization(second))
	assert.Equal(t, "ghp_of_one", m.ok(t, logical.ReadOperation, "creds/gh", body{"resource": "graphql"}).data["pat"])
	m.refused(t, logical.ReadOperation, "creds/gh", body{"resource": "Every thing"}, 400, "invalid_field")
	report["fingerprint"], report["remaining"] = second["fingerprint"], 0.0
	m.write(t, "creds/gh/report", report)
	again := m.read(t, "creds/gh")
	assert.Equal(t, "ghp_of_one", again["pat"], "three are left of it")
	report["fingerprint"] = first["fingerprint"]
	m.write(t, "creds/gh/report", report)
	spent := m.ok(t, logical.ReadOperation, "creds/gh", nil)
	require.Len(t, spent.warnings, 1)
	assert.EqualValues(t, 300, spent.data["ttl"], "creds_ttl, since what was reported may be put right")
	for name, wrong := range map[string]body{
		"status_code": {"status_code": 42}, "remaining": {"remaining": -1}, "reset_at": {"reset_at": true}, "resource": {"resource": "a b"}, "fingerprint": {"fingerprint": "none"},
	} {
		sent := body{"fingerprint": first["fingerprint"]}
		for key, value := range wrong {
			sent[key] = value
		}
		r := m.refused(t, logical.UpdateOperation, "creds/gh/report", sent, 400, "invalid_field")
		assert.Equal(t, []string{name}, r.data["fields"])
	}
	m.write(t, "creds/jira/report", body{"fingerprint": m.read(t, "creds/jira")["fingerprint"], "status_code": 200})
}

// A check is a use, so a token that is not checked is the one to warn about.
func TestDisuse(t *testing.T) {
	m := withOAuth(t)
	azure, _ := m.registry.Provider("azure_devops")
	idler, ok := azure.(providers.Idler)
	require.True(t, ok)
	assert.Equal(t, 90*24*time.Hour, idler.IdleLife(providers.Target{}))
	sonar, _ := m.registry.Provider("sonarqube")
	idler, ok = sonar.(providers.Idler)
	require.True(t, ok)
	assert.Equal(t, 60*24*time.Hour, idler.IdleLife(providers.Target{URL: "https://sonarcloud.io", AuthType: "api_key"}))
	assert.Zero(t, idler.IdleLife(providers.Target{URL: "https://sonarqube.example.com", AuthType: "api_key"}))

	m.world.GitHub.AddClassic("one", "ghp_of_one", "repo", "read:org")
	m.write(t, "integrations/gh", body{"provider": "github", "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()})
	m.write(t, "reauth/gh", body{"pat": "ghp_of_one"})
	assert.Empty(t, m.ok(t, logical.ReadOperation, "health/gh", nil).warnings)
	m.pass(352 * 24 * time.Hour)
	warnings := m.ok(t, logical.ReadOperation, "health/gh", nil).warnings
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "nobody uses")
	assert.Empty(t, m.ok(t, logical.UpdateOperation, "health/gh", nil).warnings, "now it was used")
}
