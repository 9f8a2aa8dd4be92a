package sei

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The credential in use may be sent again without its end: one that nobody contradicted
// stays, and the answer says so.
func TestTheSameKeyKeepsItsEnd(t *testing.T) {
	m := withJira(t)
	end := time.Now().Add(5 * 24 * time.Hour).UTC().Format(time.RFC3339)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2", "expires_at": end})
	for _, path := range []string{"validate/jira", "reauth/jira"} {
		again := m.write(t, path, body{"email": email, "api_key": "key-2"})
		assert.EqualValues(t, 2, again.data["version"])
		assert.Equal(t, end, again.data["expires_at"], path)
		assert.Contains(t, again.warnings, "no other end was sent or told, so the one that was known stays: "+end)
	}
	health := m.read(t, "health/jira")
	assert.Equal(t, "expiring", health["status"])
	assert.Equal(t, end, health["expires_at"])

	other := time.Now().Add(9 * 24 * time.Hour).UTC().Format(time.RFC3339)
	assert.Equal(t, other, m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2", "expires_at": other}).data["expires_at"], "one that is sent counts")
	assert.Empty(t, m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"}).data["expires_at"], "another key has another end")
}

// An end that was entered and has passed was wrong, if the credential works.
func TestTheSameKeyDropsAnEndThatHasPassed(t *testing.T) {
	m := newWorldMount(t)
	m.world.Jira.AddAPIToken(email, "key-1")
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": "https://acme.atlassian.net", "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()})
	end := m.now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1", "expires_at": end})
	m.pass(48 * time.Hour)
	again := m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
	assert.Empty(t, again.data["expires_at"])
	assert.Contains(t, again.warnings, "the end that was known, "+end+", has passed and the credential works, so it is dropped; no other end is known")
	assert.Equal(t, "healthy", m.read(t, "health/jira")["status"])
}

// A pool in another order is the pool that is in use: it pushes nothing out of the history,
// and what there is to roll back to stays.
func TestAPoolInAnotherOrder(t *testing.T) {
	m := withPool(t)
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_three", "ghp_of_one", "ghp_of_two"}})
	history := m.read(t, "history/gh")["entries"]
	for _, order := range [][]any{{"ghp_of_two", "ghp_of_one", "ghp_of_three"}, {"ghp_of_one", "ghp_of_two", "ghp_of_three"}} {
		for _, path := range []string{"validate/gh", "reauth/gh"} {
			again := m.write(t, path, body{"pat": order})
			assert.EqualValues(t, 2, again.data["version"])
			assert.Equal(t, false, again.data["identity_changed"], path)
		}
		creds := m.read(t, "creds/gh")
		assert.Equal(t, order[0], creds["pat"])
		assert.Equal(t, fmt.Sprint(order), fmt.Sprint(creds["pats"]), "positions are those of the write")
	}
	assert.Equal(t, history, m.read(t, "history/gh")["entries"])
	m.write(t, "integrations/gh", body{"pin_identity": true})
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two", "ghp_of_three"}})
	m.write(t, "integrations/gh", body{"pin_identity": false})
	m.ok(t, logical.UpdateOperation, "rollback/gh", nil)
	require.Equal(t, []string{"ghp_of_one", "ghp_of_two"}, m.read(t, "creds/gh")["pats"])
}
