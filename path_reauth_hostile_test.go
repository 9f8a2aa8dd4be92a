package sei

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestHostileUpstreams tries every fault through the engine: a re-authentication and a
// health check end in time with the right code, and cost the credential in use nothing.
func TestHostileUpstreams(t *testing.T) {
	for name, want := range catalogtest.FaultOutcomes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := withJira(t)
			m.write(t, "config", body{"request_timeout": "1s"})
			fault, _ := providertest.NamedFault(name, catalogtest.ElsewhereURL)
			m.jira.Behave(fault)
			status := 400
			if want == providers.Unreachable || want == providers.UpstreamError {
				status = 502
			}
			began := time.Now()
			r := m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "key-2"}, status, string(want))
			assert.Contains(t, r.message, "version 1 stays in use")
			assert.NotContains(t, r.message, "x-bomb")

			h := m.write(t, "health/jira", nil).data
			assert.Equal(t, string(want), h["code"])
			if want.CouldNotTell() {
				assert.Contains(t, []any{"unreachable", "degraded"}, h["status"])
			}
			assert.Less(t, time.Since(began), 20*time.Second)
			creds := m.read(t, "creds/jira")
			assert.Equal(t, "key-1", creds["api_key"])
			assert.Equal(t, 1, creds["version"])
		})
	}
}
