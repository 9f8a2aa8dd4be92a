package stories_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// A server that is unsealed while the program is missing has no mount; after a reload with the
// program in its place it reads and cannot write. It says so, and a dead credential is seen;
// unsealing again mends it.
func TestAProgramThatWasMissingAtUnseal(t *testing.T) {
	t.Parallel()
	plugins := harness.OwnPlugins(t)
	program := filepath.Join(plugins, harness.PluginName)
	server, fakes := harness.StartEmptyRaft(t, plugins), harness.StartFakes(t)
	server.Register(t)
	server.Mount(t, "sei")
	fakes.World.Jira.AddAPIToken("ada@example.com", "ATATT-unsealed")
	client := server.Client(t)
	client.SetMaxRetries(0)
	vault := client.Logical()
	harness.Write(t, vault, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "health_check_interval": "2s"})
	harness.Write(t, vault, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	harness.Write(t, vault, "sei/reauth/jira", map[string]any{"email": "ada@example.com", "api_key": "ATATT-unsealed"})

	sealWithout := func(missing bool) {
		require.NoError(t, client.Sys().SealWithContext(t.Context()))
		if missing {
			require.NoError(t, os.Rename(program, program+".away"))
		}
		server.Unseal(t)
		if missing {
			require.NoError(t, os.Rename(program+".away", program))
		}
	}
	sealWithout(true)
	fakes.World.Jira.Revoke("ATATT-unsealed")

	creds, err := vault.ReadWithContext(t.Context(), "sei/creds/jira")
	require.NoError(t, err)
	require.Nil(t, creds, "there is no mount: a 404")
	server.ReloadPlugin(t, harness.CatalogName)

	creds, err = vault.ReadWithContext(t.Context(), "sei/creds/jira")
	require.NoError(t, err)
	require.NotNil(t, creds)
	assert.Equal(t, "ATATT-unsealed", creds.Data["api_key"], "reads work")
	_, err = vault.WriteWithContext(t.Context(), "sei/config", map[string]any{"creds_ttl": 60})
	require.ErrorContains(t, err, "cannot write to storage during setup")
	health, err := vault.WriteWithContext(t.Context(), "sei/health/jira", nil)
	require.NoError(t, err)
	assert.Equal(t, "needs_reauth", health.Data["status"], "what is found is shown")
	for _, path := range []string{"sei/health/jira", "sei/status"} {
		answer, err := vault.ReadWithContext(t.Context(), path)
		require.NoError(t, err)
		require.Len(t, answer.Warnings, 1, path)
		assert.Contains(t, answer.Warnings[0], "cannot write to storage during setup", path)
	}

	// Another reload leaves it as it is.
	server.ReloadPlugin(t, harness.CatalogName)
	_, err = vault.WriteWithContext(t.Context(), "sei/config", map[string]any{"creds_ttl": 60})
	require.ErrorContains(t, err, "cannot write to storage during setup")
	_, err = vault.WriteWithContext(t.Context(), "sei/health/jira", nil)
	require.NoError(t, err)
	log, err := os.ReadFile(server.LogPath())
	require.NoError(t, err)
	assert.Contains(t, string(log), "something goes wrong while nobody asks")
	assert.LessOrEqual(t, strings.Count(string(log), "something goes wrong while nobody asks"), 2, "once for each start of the plugin")

	// Unsealing again with the program in its place mends it.
	sealWithout(false)
	harness.Write(t, vault, "sei/config", map[string]any{"creds_ttl": 60})
	require.Eventually(t, func() bool {
		answer, err := vault.ReadWithContext(t.Context(), "sei/health/jira")
		return err == nil && answer.Data["status"] == "needs_reauth" && len(answer.Warnings) == 0
	}, 30*time.Second, 200*time.Millisecond)
	assert.NotEmpty(t, server.Stored(t, "health/jira"), "it is stored")
}
