package acceptance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

const nextVersion = "v0.0.2-acceptance"

// The upgrade that docs/operations.md describes, and the way back, with workers at
// work. Nothing acknowledged is lost, and what is refused is refused cleanly.
func TestUpgradeAndRollBackThePlugin(t *testing.T) {
	layer.Check(t, "the plugin upgraded and rolled back under load")
	fakes, server := startFakes(t), startEmptyRaft(t, twoVersions(t))
	server.registerVersion(t, pluginName, pluginVersion)
	server.mount(t, "sei")
	require.Equal(t, pluginVersion, server.runningVersion(t))
	traffic := startTraffic(t, server, fakes)
	traffic.await(t, 5)
	server.registerVersion(t, pluginName+"-next", nextVersion)
	for _, version := range []string{nextVersion, pluginVersion} {
		out, err := server.cli(t, "secrets", "tune", "-plugin-version="+version, "sei")
		require.NoError(t, err, out)
		traffic.await(t, 5)
		out, err = server.cli(t, "write", "sys/plugins/reload/backend", "mounts=sei/")
		require.NoError(t, err, out)
		traffic.await(t, 20)
		assert.Equal(t, version, server.runningVersion(t))
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
	next, err := buildPlugin(t.Context(), nextVersion)
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(next) })
	program := filepath.Join(next, pluginName)
	require.NoError(t, os.Rename(program, program+"-next"))
	binary, err := os.ReadFile(filepath.Join(pluginFolder(), pluginName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, binary, 0o700))
	return next
}

// runningVersion is what Vault says that the mount sei runs.
func (s *server) runningVersion(t *testing.T) string {
	t.Helper()
	mounts, err := s.client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	return mounts["sei/"].RunningVersion
}
