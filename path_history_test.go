package sei

import (
	"fmt"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (m *mount) history(t *testing.T) []map[string]any {
	t.Helper()
	entries, ok := m.read(t, "history/jira")["entries"].([]map[string]any)
	require.True(t, ok)
	return entries
}

// Who swaps in a credential of their own cannot hide it, nor take away the one to go back to
// by sending theirs twice.
func TestATheftStaysInTheHistory(t *testing.T) {
	m := withJira(t)
	const mallory = "mallory@example.com"
	m.jira.AddAPIToken(mallory, "stolen")
	steal := body{"email": mallory, "api_key": "stolen"}
	assert.Equal(t, true, m.write(t, "reauth/jira", steal).data["identity_changed"])
	for range 3 {
		again := m.write(t, "reauth/jira", steal)
		assert.Equal(t, 2, again.data["version"])
		assert.Equal(t, 2, again.data["previous_version"])
		assert.Equal(t, false, again.data["identity_changed"])
		assert.Contains(t, fmt.Sprint(again.warnings), "in use already")
	}
	require.Len(t, m.history(t), 2)
	back := m.write(t, "rollback/jira", nil)
	assert.Equal(t, 3, back.data["version"])
	assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"])

	m.write(t, "reauth/jira", steal)
	for i := range 30 {
		m.jira.AddAPIToken(mallory, fmt.Sprint("other-", i))
		m.write(t, "reauth/jira", body{"email": mallory, "api_key": fmt.Sprint("other-", i)})
	}
	entries := m.history(t)
	changes := 0
	for _, e := range entries[20:] {
		assert.Equal(t, true, e["identity_changed"])
		assert.Len(t, e["account_fingerprint"], 16)
		changes++
	}
	assert.Equal(t, 3, changes, "the theft, the way back, and the next theft")
	assert.Equal(t, false, entries[0]["identity_changed"])
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	assert.Equal(t, entries[0]["account_fingerprint"], m.history(t)[0]["account_fingerprint"])
}

func TestHistorySaysWhoDidWhat(t *testing.T) {
	m := withJira(t)
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	entries, _ := m.read(t, "history/jira")["entries"].([]map[string]any)
	require.Len(t, entries, 2)
	assert.Equal(t, "forget", entries[0]["cause"])
	assert.Equal(t, "creds/jira", entries[0]["via"])
	for key, want := range (body{
		"version": 1, "cause": "reauth", "via": "reauth/jira", "identity": email,
		"entity_id": "entity-1", "display_name": "token-mia", "request_id": "request-1",
	}) {
		assert.Equal(t, want, entries[1][key], key)
	}
	m.refused(t, logical.ReadOperation, "history/nobody", nil, 404, "unknown_integration")
}
