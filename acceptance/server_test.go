package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// startLimit bounds every wait for a server.
const startLimit = 60 * time.Second

// server is a Vault server on loopback with a file audit device.
type server struct {
	dir     string   // everything that it writes
	plugins string   // its plugin directory
	args    []string // of the vault command
	// addr is where a recorder stands before the server, which listens at listens.
	addr    string
	listens string
	token   string
	node    string // its name in Raft
	// persistent servers start sealed and keep their state; others are in memory.
	persistent bool
	unsealKey  string
	process    *process
}

// startDev starts a development server: in memory, unsealed, gone when it stops.
func startDev(t testing.TB) *server {
	t.Helper()
	return startDevWith(t, pluginFolder())
}

// startDevWith does so with a plugin directory. A test that writes into it has one of its
// own: other servers that start meanwhile register what they find in the shared one.
func startDevWith(t testing.TB, plugins string) *server {
	t.Helper()
	s := newServer(t)
	s.token, s.plugins = "root", plugins
	s.args = []string{
		"server", "-dev", "-dev-no-store-token", "-dev-root-token-id=" + s.token,
		"-dev-listen-address=" + s.host(), "-dev-plugin-dir=" + s.plugins, "-log-level=trace",
	}
	s.start(t)
	s.enableAudit(t)
	s.register(t)
	return s
}

// startRaft starts a server that keeps its state on disk, with the plugin registered.
func startRaft(t testing.TB) *server {
	t.Helper()
	s := startEmptyRaft(t, pluginFolder())
	s.register(t)
	return s
}

// startEmptyRaft does so without the plugin.
func startEmptyRaft(t testing.TB, plugins string) *server {
	t.Helper()
	s := newRaft(t, "one", plugins)
	s.initialize(t)
	return s
}

// newRaft makes such a server and does not start it.
func newRaft(t testing.TB, node, plugins string) *server {
	t.Helper()
	s := newServer(t)
	s.persistent, s.plugins, s.node = true, plugins, node
	s.args = []string{"server", "-config=" + s.writeConfig(t), "-log-level=trace"}
	return s
}

// initialize starts a server for the first time.
func (s *server) initialize(t testing.TB) {
	t.Helper()
	s.start(t)
	client := s.client(t)
	keys, err := client.Sys().InitWithContext(t.Context(), &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	require.NoError(t, err)
	s.unsealKey, s.token = keys.KeysB64[0], keys.RootToken
	s.unseal(t)
	s.enableAudit(t)
}

func newServer(t testing.TB) *server {
	t.Helper()
	// Not t.TempDir, whose path is too long for the sockets of plugins.
	dir, err := os.MkdirTemp("", "sei-") //nolint:usetesting // see above
	require.NoError(t, err)
	s := &server{dir: dir, plugins: pluginFolder(), listens: freeAddress(t)}
	s.addr = record(t, s.listens, dir)
	t.Cleanup(func() {
		s.stop()
		evidenceOf(t).keep(t, dir)
	})
	return s
}

// host is where the server itself listens, behind the recorder.
func (s *server) host() string { return s.listens }

func (s *server) auditPath() string { return filepath.Join(s.dir, "audit.log") }

// dataPath is where a persistent server keeps its state.
func (s *server) dataPath() string { return filepath.Join(s.dir, "raft") }

func (s *server) logPath() string { return filepath.Join(s.dir, "server.log") }

// audit returns all that the audit device wrote.
func (s *server) audit(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(s.auditPath())
	require.NoError(t, err)
	return string(data)
}

func (s *server) writeConfig(t testing.TB) string {
	t.Helper()
	data := s.dataPath()
	require.NoError(t, os.MkdirAll(data, 0o700))
	cluster := freeAddress(t)
	config := fmt.Sprintf(`
storage "raft" {
  path                   = %q
  node_id                = %q
  performance_multiplier = 1
}
listener "tcp" {
  address         = %q
  cluster_address = %q
  tls_disable     = true
}
api_addr         = %q
cluster_addr     = %q
plugin_directory = %q
disable_mlock    = true

# What is stored can be read, to prove what is not.
raw_storage_endpoint = true
`, data, s.node, s.host(), cluster, s.addr, "https://"+cluster, s.plugins)
	path := filepath.Join(s.dir, "vault.hcl")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	return path
}

// start runs the server and waits until it answers. A persistent one is sealed then.
func (s *server) start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	s.process, err = startProcess(log, s.environ(), vaultProgram(), s.args...)
	require.NoError(t, err)
	client := s.client(t)
	s.wait(t, "answer", func(ctx context.Context) bool {
		status, err := client.Sys().SealStatusWithContext(ctx)
		return err == nil && (s.persistent || !status.Sealed)
	})
}

func (s *server) stop() {
	if s.process != nil {
		s.process.stop(10 * time.Second)
	}
}

// kill ends the server and its plugins at once.
func (s *server) kill() { s.process.kill() }

// ended reports whether the server no longer runs.
func (s *server) ended() bool { return s.process.ended() }

// owns reports whether a live process is the server's or one of its plugins'.
func (s *server) owns(pid int) bool { return s.process.owns(pid) }

// wait polls until ready, and fails the test when the server ends or takes too long.
func (s *server) wait(t testing.TB, what string, ready func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for !ready(ctx) {
		if ctx.Err() != nil || s.process.ended() {
			log, _ := os.ReadFile(s.logPath())
			// Vault says why it ended before what it has logged until then.
			errors := strings.Join(regexp.MustCompile(`(?m)^Error.*$`).FindAllString(string(log), -1), "\n")
			require.FailNow(t, "the server did not "+what, "ended: %t\n%s\n%s", s.process.ended(), errors, tail(string(log), 4000))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// unseal unseals and waits until requests are served.
func (s *server) unseal(t testing.TB) {
	t.Helper()
	s.unlock(t)
	s.awaitActive(t)
}

// unlock unseals.
func (s *server) unlock(t testing.TB) {
	t.Helper()
	_, err := s.client(t).Sys().UnsealWithContext(t.Context(), s.unsealKey)
	require.NoError(t, err)
}

// awaitActive waits until the server serves requests by itself.
func (s *server) awaitActive(t testing.TB) {
	t.Helper()
	client := s.client(t)
	s.wait(t, "become active", func(ctx context.Context) bool {
		health, err := client.Sys().HealthWithContext(ctx)
		return err == nil && health.Initialized && !health.Sealed && !health.Standby
	})
}

// raw is where Vault shows what it stores of the mount sei.
func (s *server) raw(t testing.TB) string {
	t.Helper()
	mounts, err := s.client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	return "sys/raw/logical/" + mounts["sei/"].UUID + "/"
}

// stored returns what the mount sei keeps under a key of its storage, as Vault has it; "" if
// there is nothing.
func (s *server) stored(t testing.TB, key string) string {
	t.Helper()
	entry, err := s.client(t).Logical().ReadWithContext(t.Context(), s.raw(t)+key)
	require.NoError(t, err)
	if entry == nil {
		return ""
	}
	value, _ := entry.Data["value"].(string)
	return value
}

// storedKeys returns the keys below a prefix of the mount's storage.
func (s *server) storedKeys(t testing.TB, prefix string) ([]any, error) {
	t.Helper()
	entry, err := s.client(t).Logical().ListWithContext(t.Context(), s.raw(t)+prefix)
	if err != nil || entry == nil {
		return nil, err
	}
	keys, _ := entry.Data["keys"].([]any)
	return keys, nil
}

func (s *server) enableAudit(t testing.TB) {
	t.Helper()
	err := s.client(t).Sys().EnableAuditWithOptionsWithContext(t.Context(), "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": s.auditPath()},
	})
	require.NoError(t, err)
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
