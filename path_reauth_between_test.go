package sei

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// sentFields are the credential of a case as a client sends it.
func sentFields(cred providers.Credential) body {
	fields := body{}
	for _, field := range cred.Fields() {
		fields[field] = cred.Value(field).Reveal()
	}
	return fields
}

// withCase has the integration one with the credential of a case at version 1.
func withCase(t *testing.T, provider string, c catalogtest.Case) *oauthMount {
	t.Helper()
	m := newWorldMount(t)
	c.Arrange(m.world)
	settings := body{
		"provider": provider, "auth_type": c.Target.AuthType, "url": c.Target.URL, "health_check_interval": 0,
		"proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM(),
	}
	for name, text := range c.Target.Settings.Texts {
		settings[name] = text
	}
	for name, list := range c.Target.Settings.Lists {
		settings[name] = list
	}
	m.write(t, "integrations/one", settings)
	m.write(t, "reauth/one", sentFields(c.Credential))
	return m
}

// TestRefusalsInBetween lets what stands before an upstream refuse a credential that
// works: nobody is asked to replace it. The upstream's own refusal makes it dead.
func TestRefusalsInBetween(t *testing.T) {
	for name, suite := range catalogtest.Suites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := suite.Questions[0]
			m := withCase(t, name, q.Of)
			for answer, fault := range providertest.Between() {
				if q.Wants(answer) != providers.UpstreamError {
					continue
				}
				fault.Path = q.Path
				q.Fake(m.world).Behave(fault)
				r := m.refused(t, logical.UpdateOperation, "reauth/one", sentFields(q.Of.Credential), 502, "upstream_error")
				assert.Contains(t, r.message, "version 1 stays in use", answer)
				for range 2 {
					assert.Equal(t, "unreachable", m.write(t, "health/one", nil).data["status"], answer)
				}
			}
			q.Fake(m.world).Behave(providertest.Fault{})
			assert.Contains(t, []any{"healthy", "expiring"}, m.write(t, "health/one", nil).data["status"])
			for _, field := range q.Of.Credential.Fields() {
				q.Fake(m.world).Revoke(q.Of.Credential.Value(field).Reveal())
			}
			dead := m.write(t, "health/one", nil).data
			require.Equal(t, "needs_reauth", dead["status"], dead["message"])
			assert.Equal(t, "credential_rejected", dead["code"])
		})
	}
}
