package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// PluginVersion is what the tests build the plugin as.
const PluginVersion = "v0.0.1-acceptance"

// auditKeys are the keys of responses that the audit device writes readably; the
// README tells operators to set the same.
func auditKeys() []string {
	return []string{"code", "integration", "name", "provider", "version", "previous_version", "fingerprint"}
}

// OwnPlugins makes a plugin directory that a test may write into, with the plugin in it.
func OwnPlugins(t testing.TB) string {
	t.Helper()
	plugins, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	binary, err := os.ReadFile(filepath.Join(Plugins(), PluginName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(plugins, PluginName), binary, 0o700))
	return plugins
}

// Register puts the plugin into the server's catalogue, as an operator does. A
// development server has done so by itself, but under the name of the program.
func (s *Server) Register(t testing.TB) {
	t.Helper()
	s.RegisterVersion(t, PluginName, PluginVersion)
}

// RegisterVersion registers a program in the plugin directory as a version.
func (s *Server) RegisterVersion(t testing.TB, command, version string) {
	t.Helper()
	s.RegisterAs(t, CatalogName, command, version)
}

// RegisterAs does so under any name.
func (s *Server) RegisterAs(t testing.TB, name, command, version string) {
	t.Helper()
	binary, err := os.ReadFile(filepath.Join(s.Plugins, command))
	require.NoError(t, err)
	sum := sha256.Sum256(binary)
	err = s.Client(t).Sys().RegisterPluginWithContext(t.Context(), &api.RegisterPluginInput{
		Name: name, Type: api.PluginTypeSecrets, Version: version,
		Command: command, SHA256: hex.EncodeToString(sum[:]),
	})
	require.NoError(t, err)
}

// Mount mounts the engine at path.
func (s *Server) Mount(t testing.TB, path string) {
	t.Helper()
	err := s.Client(t).Sys().MountWithContext(t.Context(), path, &api.MountInput{
		Type:   CatalogName,
		Config: api.MountConfigInput{AuditNonHMACResponseKeys: auditKeys()},
	})
	require.NoError(t, err)
	evidence.Of(t).CompareWith(t, path, s.openAPI)
}

// ReloadPlugin reloads all mounts of a plugin by the CLI.
func (s *Server) ReloadPlugin(t testing.TB, name string) {
	t.Helper()
	args := []string{"plugin", "reload", "-plugin=" + name}
	if Has(t, ReloadByType) {
		args = append(args, "-type=secret")
	}
	out, err := s.CLI(t, args...)
	require.NoError(t, err, out)
}

// buried waits until a killed process is gone, and then a moment for the server to hear
// of it: until it does it sends requests to nobody.
func (s *Server) buried(pid int) {
	for deadline := time.Now().Add(2 * time.Second); s.process.owns(pid) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
}

// KillPlugin kills the plugin processes that the server has started, by their
// ids in its log, and returns how many it were.
func (s *Server) KillPlugin(t testing.TB) int {
	t.Helper()
	return s.SignalPlugin(t, syscall.SIGKILL)
}

// SignalPlugin does so with any signal that ends a process.
func (s *Server) SignalPlugin(t testing.TB, signal syscall.Signal) int {
	t.Helper()
	log, err := os.ReadFile(s.LogPath())
	require.NoError(t, err)
	killed := 0
	started := regexp.MustCompile(`plugin started:.*path=\S*/` + PluginName + ` pid=(\d+)`)
	for _, match := range started.FindAllStringSubmatch(string(log), -1) {
		pid, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		if s.process.owns(pid) {
			require.NoError(t, syscall.Kill(pid, signal))
			s.buried(pid)
			killed++
		}
	}
	return killed
}

// RunningVersion is what Vault says that the mount sei runs.
func (s *Server) RunningVersion(t *testing.T) string {
	t.Helper()
	mounts, err := s.Client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	return mounts["sei/"].RunningVersion
}
