package acceptance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A replaced credential is kept for the rollback window, and then it is gone from
// Vault's storage. What is deleted is gone at once.
func TestAReplacedCredentialIsErased(t *testing.T) {
	t.Parallel()
	server, fakes := startRaft(t), startFakes(t)
	server.mount(t, "sei")
	client := server.client(t).Logical()
	write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "rollback_window": 3, "health_check_interval": 4})
	write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.urls["JIRA"]})
	for _, key := range []string{"erased-story-first", "erased-story-second"} {
		fakes.world.Jira.AddAPIToken("ada@example.com", key)
		write(t, client, "sei/reauth/jira", map[string]any{"email": "ada@example.com", "api_key": key})
	}
	require.Contains(t, server.stored(t, "credentials/jira"), "erased-story-first")
	require.Eventually(t, func() bool {
		return !strings.Contains(server.stored(t, "credentials/jira"), "erased-story-first")
	}, 30*time.Second, 200*time.Millisecond)
	assert.Contains(t, server.stored(t, "credentials/jira"), "erased-story-second")
	_, err := client.DeleteWithContext(t.Context(), "sei/creds/jira")
	require.NoError(t, err)
	assert.NotContains(t, server.stored(t, "credentials/jira"), "erased-story")
}
