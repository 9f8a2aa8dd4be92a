package stories_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// A replaced credential is kept for the rollback window, and then it is gone from
// Vault's storage. What is deleted is gone at once.
func TestAReplacedCredentialIsErased(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartRaft(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "rollback_window": 3, "health_check_interval": 4})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	for _, key := range []string{"erased-story-first", "erased-story-second"} {
		fakes.World.Jira.AddAPIToken("ada@example.com", key)
		harness.Write(t, client, "sei/reauth/jira", map[string]any{"email": "ada@example.com", "api_key": key})
	}
	require.Contains(t, server.Stored(t, "credentials/jira"), "erased-story-first")
	require.Eventually(t, func() bool {
		return !strings.Contains(server.Stored(t, "credentials/jira"), "erased-story-first")
	}, 30*time.Second, 200*time.Millisecond)
	assert.Contains(t, server.Stored(t, "credentials/jira"), "erased-story-second")
	_, err := client.DeleteWithContext(t.Context(), "sei/creds/jira")
	require.NoError(t, err)
	assert.NotContains(t, server.Stored(t, "credentials/jira"), "erased-story")
}
