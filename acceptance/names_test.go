package acceptance_test

import (
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mount of the name that earlier pages registered works beside one of today's, and so do
// its reload and its restart.
func TestAMountOfTheOldNameWorks(t *testing.T) {
	t.Parallel()
	server, fakes := startRaft(t), startFakes(t)
	server.registerAs(t, pluginName, pluginName, pluginVersion)
	client := server.client(t)
	require.NoError(t, client.Sys().MountWithContext(t.Context(), "old", &api.MountInput{Type: pluginName}))
	server.mount(t, "sei")
	fakes.world.Jira.AddAPIToken("ada@example.com", "ATATT-names")
	works := func(mount string) {
		vault := client.Logical()
		write(t, vault, mount+"/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
		write(t, vault, mount+"/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.urls["JIRA"], "description": mount})
		write(t, vault, mount+"/reauth/jira", map[string]any{"email": "ada@example.com", "api_key": "ATATT-names"})
		creds, err := vault.ReadWithContext(t.Context(), mount+"/creds/jira")
		require.NoError(t, err)
		assert.Equal(t, "ATATT-names", creds.Data["api_key"])
	}
	works("old")
	works("sei")
	out, err := server.cli(t, "plugin", "reload", "-type=secret", "-plugin="+pluginName)
	require.NoError(t, err, out)
	works("old")
	require.NoError(t, client.Sys().SealWithContext(t.Context()))
	server.unseal(t)
	works("old")
	mounts, err := client.Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, pluginName, mounts["old/"].Type)
	assert.Equal(t, catalogName, mounts["sei/"].Type)
}
