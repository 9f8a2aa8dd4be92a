package stories_test

import (
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// A mount of the name that earlier pages registered works beside one of today's, and so do
// its reload and its restart.
func TestAMountOfTheOldNameWorks(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartRaft(t), harness.StartFakes(t)
	server.RegisterAs(t, harness.PluginName, harness.PluginName, harness.PluginVersion)
	client := server.Client(t)
	require.NoError(t, client.Sys().MountWithContext(t.Context(), "old", &api.MountInput{Type: harness.PluginName}))
	server.Mount(t, "sei")
	fakes.World.Jira.AddAPIToken("ada@example.com", "ATATT-names")
	works := func(mount string) {
		vault := client.Logical()
		harness.Write(t, vault, mount+"/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
		harness.Write(t, vault, mount+"/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"], "description": mount})
		harness.Write(t, vault, mount+"/reauth/jira", map[string]any{"email": "ada@example.com", "api_key": "ATATT-names"})
		creds, err := vault.ReadWithContext(t.Context(), mount+"/creds/jira")
		require.NoError(t, err)
		assert.Equal(t, "ATATT-names", creds.Data["api_key"])
	}
	works("old")
	works("sei")
	server.ReloadPlugin(t, harness.PluginName)
	works("old")
	require.NoError(t, client.Sys().SealWithContext(t.Context()))
	server.Unseal(t)
	works("old")
	mounts, err := client.Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, harness.PluginName, mounts["old/"].Type)
	assert.Equal(t, harness.CatalogName, mounts["sei/"].Type)
}
