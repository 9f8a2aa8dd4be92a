package acceptance_test

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
)

// pluginVersion is what the tests build the plugin as.
const pluginVersion = "v0.0.1-acceptance"

// auditKeys are the keys of responses that the audit device writes readably; the
// README tells operators to set the same.
func auditKeys() []string {
	return []string{"code", "integration", "name", "provider", "version", "previous_version", "fingerprint"}
}

// ownPlugins makes a plugin directory that a test may write into, with the plugin in it.
func ownPlugins(t testing.TB) string {
	t.Helper()
	plugins, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	binary, err := os.ReadFile(filepath.Join(pluginFolder(), pluginName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(plugins, pluginName), binary, 0o700))
	return plugins
}

// register puts the plugin into the server's catalogue, as an operator does. A
// development server has done so by itself, but under the name of the program.
func (s *server) register(t testing.TB) {
	t.Helper()
	s.registerVersion(t, pluginName, pluginVersion)
}

// registerVersion registers a program in the plugin directory as a version.
func (s *server) registerVersion(t testing.TB, command, version string) {
	t.Helper()
	s.registerAs(t, catalogName, command, version)
}

// registerAs does so under any name.
func (s *server) registerAs(t testing.TB, name, command, version string) {
	t.Helper()
	binary, err := os.ReadFile(filepath.Join(s.plugins, command))
	require.NoError(t, err)
	sum := sha256.Sum256(binary)
	err = s.client(t).Sys().RegisterPluginWithContext(t.Context(), &api.RegisterPluginInput{
		Name: name, Type: api.PluginTypeSecrets, Version: version,
		Command: command, SHA256: hex.EncodeToString(sum[:]),
	})
	require.NoError(t, err)
}

// mount mounts the engine at path.
func (s *server) mount(t testing.TB, path string) {
	t.Helper()
	err := s.client(t).Sys().MountWithContext(t.Context(), path, &api.MountInput{
		Type:   catalogName,
		Config: api.MountConfigInput{AuditNonHMACResponseKeys: auditKeys()},
	})
	require.NoError(t, err)
	evidenceOf(t).compareWith(t, path, s.openAPI)
}

// buried waits until a killed process is gone, and then a moment for the server to hear
// of it: until it does it sends requests to nobody.
func (s *server) buried(pid int) {
	for deadline := time.Now().Add(2 * time.Second); s.process.owns(pid) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
}

// killPlugin kills the plugin processes that the server has started, by their
// ids in its log, and returns how many it were.
func (s *server) killPlugin(t testing.TB) int {
	t.Helper()
	return s.signalPlugin(t, syscall.SIGKILL)
}

// signalPlugin does so with any signal that ends a process.
func (s *server) signalPlugin(t testing.TB, signal syscall.Signal) int {
	t.Helper()
	log, err := os.ReadFile(s.logPath())
	require.NoError(t, err)
	killed := 0
	started := regexp.MustCompile(`plugin started:.*path=\S*/` + pluginName + ` pid=(\d+)`)
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
