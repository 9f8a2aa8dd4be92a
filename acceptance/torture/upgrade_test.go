package torture_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const nextVersion = "v0.0.2-acceptance"

// The upgrade that docs/operations.md describes, and the way back, with workers at
// work. Nothing acknowledged is lost, and what is refused is refused cleanly.
func TestUpgradeAndRollBackThePlugin(t *testing.T) {
	layer.Check(t, "the plugin upgraded and rolled back under load")
	fakes, server := harness.StartFakes(t), harness.StartEmptyRaft(t, twoVersions(t))
	server.RegisterVersion(t, harness.PluginName, harness.PluginVersion)
	server.Mount(t, "sei")
	require.Equal(t, harness.PluginVersion, server.RunningVersion(t))
	traffic := startTraffic(t, server, fakes)
	traffic.await(t, 5)
	server.RegisterVersion(t, harness.PluginName+"-next", nextVersion)
	for _, version := range []string{nextVersion, harness.PluginVersion} {
		out, err := server.CLI(t, "secrets", "tune", "-plugin-version="+version, "sei")
		require.NoError(t, err, out)
		traffic.await(t, 5)
		out, err = server.CLI(t, "write", "sys/plugins/reload/backend", "mounts=sei/")
		require.NoError(t, err, out)
		traffic.await(t, 20)
		assert.Equal(t, version, server.RunningVersion(t))
	}
	traffic.end(t, server)
	for _, err := range append(traffic.refused, traffic.unread...) {
		t.Log(err)
	}
	assert.Subset(t, []int{500, 502, 503}, statuses(append(traffic.refused, traffic.unread...)))
}

// twoVersions is a plugin directory with two versions of the plugin.
func twoVersions(t *testing.T) string {
	t.Helper()
	next, err := harness.BuildPlugin(t.Context(), nextVersion)
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(next) })
	program := filepath.Join(next, harness.PluginName)
	require.NoError(t, os.Rename(program, program+"-next"))
	binary, err := os.ReadFile(filepath.Join(harness.Plugins(), harness.PluginName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, binary, 0o700))
	return next
}
