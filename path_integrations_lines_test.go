package sei

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

// lineEnds mean nothing at the end of a text.
func lineEnds() []string { return []string{"\n", "\r\n", "\n\n", ""} }

// With a line break at its end or without, a setting leads to the same place: the
// credential that is stored is checked, and so is the one before it.
func TestALineBreakIsNoOtherPlace(t *testing.T) {
	m := withJira(t)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	for _, end := range lineEnds() {
		m.write(t, "integrations/jira", body{"url": m.jiraURL + end})
		health := m.write(t, "health/jira", nil).data
		assert.Equal(t, "healthy", health["status"], "%q: %s", end, health["message"])
		m.write(t, "rollback/jira", nil)
	}
	assert.EqualValues(t, 6, m.read(t, "creds/jira")["version"])
}

// An access token goes on being renewed.
func TestALineBreakIsNoOtherPlaceForTokens(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	for setting, value := range map[string]string{"ca_cert": strings.TrimRight(m.world.CAPEM(), "\n"), "proxy_url": m.world.ProxyURL()} {
		for _, end := range lineEnds() {
			m.write(t, "integrations/bb", body{setting: value + end})
			m.pass(3 * time.Hour)
			token, _ := m.ok(t, logical.ReadOperation, "creds/bb", nil).data["access_token"].(string)
			assert.True(t, m.works(t, token), "%s %q", setting, end)
			m.write(t, "rotate/bb", nil)
			assert.Equal(t, "healthy", m.write(t, "health/bb", nil).data["status"])
		}
	}
}

// Integrations that share a credential agree about where it is sent, however each is
// written.
func TestALineBreakIsNoOtherPlaceForAGroup(t *testing.T) {
	m := withInstant(t)
	m.must(t, logical.DeleteOperation, "creds/one", nil)
	m.must(t, logical.DeleteOperation, "integrations/other", nil)
	m.must(t, logical.UpdateOperation, "integrations/one", body{"tls_server_name": "x.example.com\n"})
	m.must(t, logical.CreateOperation, "integrations/other", body{"provider": "together", "organization": "acme", "tls_server_name": "x.example.com"})
	for _, by := range []string{"one", "other"} {
		m.must(t, logical.UpdateOperation, "reauth/"+by, body{"email": email, "key": "good-" + by})
		for _, name := range []string{"one", "other"} {
			health := m.must(t, logical.UpdateOperation, "health/"+name, nil)
			assert.Equal(t, "healthy", health["status"], "%s by %s: %s", name, by, health["message"])
		}
	}
}
