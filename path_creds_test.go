package sei

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCredsAreReadyToUse(t *testing.T) {
	m := withJira(t)
	creds := m.read(t, "creds/jira")
	for key, want := range (body{
		"name": "jira", "provider": "jira", "auth_type": "api_key", "url": m.jiraURL, "version": 1, "identity": email,
		"email": email, "api_key": "key-1", "expires_at": "", "ttl": int64(300), "rotation_period": int64(300),
	}) {
		assert.Equal(t, want, creds[key], key)
	}
	assert.True(t, strings.HasPrefix(authorization(creds), "Basic "))
	in := m.read(t, "integrations/jira")
	assert.Equal(t, in["fingerprint"], creds["fingerprint"])
	assert.Equal(t, in["reauthenticated_at"], creds["last_vault_rotation"])
}

func TestCredsOfWhatIsNotThere(t *testing.T) {
	m := withJira(t)
	r := m.refused(t, logical.ReadOperation, "creds/nobody", nil, 404, "unknown_integration")
	assert.Nil(t, r.data, "clients take a 404 with data for a success")
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	m.refused(t, logical.ReadOperation, "creds/jira", nil, 404, "no_credential")
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	m.refused(t, logical.DeleteOperation, "creds/nobody", nil, 404, "unknown_integration")
	read := m.read(t, "integrations/jira")
	assert.Equal(t, "needs_reauth", read["status"])
	assert.Equal(t, 1, read["version"])
	assert.Empty(t, read["identity"])
	r = m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	assert.Equal(t, 2, r.data["version"])
	assert.Equal(t, 1, r.data["previous_version"])
}

func TestWhenToReadAgain(t *testing.T) {
	now, ttl := time.Now(), 5*time.Minute
	assert.Equal(t, ttl, readAgainIn(time.Time{}, ttl, now))
	assert.Equal(t, ttl, readAgainIn(now.Add(time.Hour), ttl, now))
	assert.Equal(t, time.Minute, readAgainIn(now.Add(time.Minute), ttl, now))
	assert.Equal(t, minReadInterval, readAgainIn(now.Add(time.Second), ttl, now))
	assert.Equal(t, ttl, readAgainIn(now.Add(-time.Hour), ttl, now), "asking more often does not replace it")
	assert.Equal(t, time.Second, readAgainIn(now.Add(time.Hour), time.Second, now))
}

// The url that a worker gets is the one its credential was checked at, whatever
// happens to the configuration meanwhile.
func TestCredsKeepTheURLTheyWereCheckedAt(t *testing.T) {
	m := withJira(t)
	raw, err := m.storage.Get(t.Context(), "integrations/jira")
	require.NoError(t, err)
	raw.Value = []byte(strings.ReplaceAll(string(raw.Value), m.jiraURL, "https://evil.example.com"))
	require.NoError(t, m.storage.Put(t.Context(), raw))
	m.store.Invalidate("integrations/jira")
	assert.Equal(t, "https://evil.example.com", m.read(t, "integrations/jira")["url"])
	assert.Equal(t, m.jiraURL, m.read(t, "creds/jira")["url"])
}
