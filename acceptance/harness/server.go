package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
	"vault-plugin-secrets-sei/internal/layer"
)

// StartLimit bounds every wait for a server.
const StartLimit = 60 * time.Second

// Server is a Vault server on loopback with a file audit device.
type Server struct {
	// Dir has everything that it writes, and Plugins is its plugin directory.
	Dir, Plugins string
	args         []string // of the vault command
	config       string   // without audit devices
	// Addr is where a recorder stands before the server, which listens at listens.
	Addr    string
	listens string
	place   place
	// Token is the root token.
	Token string
	node  string // its name in Raft
	// persistent servers start sealed and keep their state; others are in memory.
	persistent bool
	// UnsealKey unseals a persistent server by itself.
	UnsealKey string
	process   *Process
}

// place is where a server is: on the loopback of the test, unless it says otherwise.
type place struct {
	// listens is the address of its API, cluster the one at which its peers reach it, and
	// advertised what they are told, where that is another one.
	listens, cluster, advertised string
	// standbyReads lets the server answer reads when it is a standby, if it can.
	standbyReads bool
	// binds is what the API is bound to where that is not listens.
	binds string
	// within is the command that runs it elsewhere, empty for here.
	within []string
	// reach makes addresses on the loopback of the test its own, nil where they are.
	reach func(t testing.TB, addresses ...string)
}

// Reach makes sure that the server can call addresses on the test's loopback by the same
// name.
func (s *Server) Reach(t testing.TB, addresses ...string) {
	t.Helper()
	if s.place.reach != nil {
		s.place.reach(t, addresses...)
	}
}

// StartDev starts a development server: in memory, unsealed, gone when it stops.
func StartDev(t testing.TB) *Server {
	t.Helper()
	return StartDevWith(t, Plugins())
}

// StartDevWith does so with a plugin directory. A test that writes into it has one of its
// own: other servers that start meanwhile register what they find in the shared one.
func StartDevWith(t testing.TB, plugins string) *Server {
	t.Helper()
	s := newServer(t)
	s.Token, s.Plugins = "root", plugins
	s.args = []string{
		"server", "-dev", "-dev-no-store-token", "-dev-root-token-id=" + s.Token,
		"-dev-listen-address=" + s.Host(), "-dev-plugin-dir=" + s.Plugins, "-log-level=trace",
	}
	if !Has(t, AuditByAPI) {
		s.args = append(s.args, "-config="+s.writeConfig(t, true))
	}
	s.Start(t)
	s.EnableAudit(t)
	s.Register(t)
	return s
}

// StartRaft starts a server that keeps its state on disk, with the plugin registered.
func StartRaft(t testing.TB) *Server {
	t.Helper()
	s := StartEmptyRaft(t, Plugins())
	s.Register(t)
	return s
}

// StartEmptyRaft does so without the plugin.
func StartEmptyRaft(t testing.TB, plugins string) *Server {
	t.Helper()
	s := NewRaft(t, "one", plugins)
	s.Initialize(t)
	return s
}

// NewRaft makes such a server and does not start it.
func NewRaft(t testing.TB, node, plugins string) *Server {
	t.Helper()
	return newRaft(t, node, plugins, place{})
}

func newRaft(t testing.TB, node, plugins string, at place) *Server {
	t.Helper()
	s := newServerAt(t, at)
	s.persistent, s.Plugins, s.node = true, plugins, node
	s.config = s.raftConfig(t)
	s.args = []string{"server", "-config=" + s.writeConfig(t, true), "-log-level=trace"}
	return s
}

// Initialize starts a server for the first time.
func (s *Server) Initialize(t testing.TB) {
	t.Helper()
	s.Start(t)
	client := s.Client(t)
	keys, err := client.Sys().InitWithContext(t.Context(), &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	require.NoError(t, err)
	s.UnsealKey, s.Token = keys.KeysB64[0], keys.RootToken
	s.Unseal(t)
	s.EnableAudit(t)
}

func newServer(t testing.TB) *Server {
	t.Helper()
	return newServerAt(t, place{})
}

func newServerAt(t testing.TB, at place) *Server {
	t.Helper()
	if at.listens == "" {
		at.listens = FreeAddress(t)
	}
	layer.NeverCached() // here, because Go does not see what is read before the tests begin
	// Not t.TempDir, whose path is too long for the sockets of plugins.
	dir, err := os.MkdirTemp("", "sei-") //nolint:usetesting // see above
	require.NoError(t, err)
	s := &Server{Dir: dir, Plugins: Plugins(), listens: at.listens, place: at}
	s.Addr = evidence.Record(t, s.listens, dir)
	t.Cleanup(func() {
		s.Stop()
		evidence.Of(t).Keep(t, dir)
	})
	return s
}

// Host is where the server itself listens, behind the recorder.
func (s *Server) Host() string { return s.listens }

// DataPath is where a persistent server keeps its state.
func (s *Server) DataPath() string { return filepath.Join(s.Dir, "raft") }

// LogPath is where the server's log is, at trace level.
func (s *Server) LogPath() string { return filepath.Join(s.Dir, "server.log") }

// raftConfig is the configuration of a server that keeps its state, without audit devices.
func (s *Server) raftConfig(t testing.TB) string {
	t.Helper()
	data := s.DataPath()
	require.NoError(t, os.MkdirAll(data, 0o700))
	cluster := s.place.cluster
	if cluster == "" {
		cluster = FreeAddress(t)
	}
	advertised := cmp.Or(s.place.advertised, cluster)
	return fmt.Sprintf(`
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
%s
# What is stored can be read, to prove what is not.
raw_storage_endpoint = true
`, data, s.node, cmp.Or(s.place.binds, s.Host()), cluster, s.Addr, "https://"+advertised, s.Plugins, s.configOf(Running(t)))
}

// configOf is what the configuration has for one product.
func (s *Server) configOf(p Product) string {
	lines := ""
	if p.Has(Mlock) {
		lines += "disable_mlock = true\n"
	}
	if p.Has(StandbyReads) && !s.place.standbyReads {
		lines += "disable_standby_reads = true\n" // else what was acknowledged is seen there later
	}
	return lines
}

// Start runs the server and waits until it answers. A persistent one is sealed then.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(s.LogPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	command := append(slices.Clone(s.place.within), Vault())
	command = append(command, s.args...)
	s.process, err = startProcessIn(s.Dir, log, s.Environ(), command[0], command[1:]...)
	require.NoError(t, err)
	client := s.Client(t)
	s.Wait(t, "answer", func(ctx context.Context) bool {
		status, err := client.Sys().SealStatusWithContext(ctx)
		return err == nil && (s.persistent || !status.Sealed)
	})
}

// Stop asks the server to end, and kills it with its plugins if it takes too long. One that
// is not running stays so.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.Stop(10 * time.Second)
	}
}

// Kill ends the server and its plugins at once.
func (s *Server) Kill() { s.process.Kill() }

// Ended reports whether the server no longer runs.
func (s *Server) Ended() bool { return s.process.Ended() }

// Owns reports whether a live process is the server's or one of its plugins'.
func (s *Server) Owns(pid int) bool { return s.process.owns(pid) }

// Wait polls until ready, and fails the test when the server ends or takes too long.
func (s *Server) Wait(t testing.TB, what string, ready func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), StartLimit)
	defer cancel()
	for !ready(ctx) {
		if ctx.Err() != nil || s.process.Ended() {
			log, _ := os.ReadFile(s.LogPath())
			// Vault says why it ended before what it has logged until then.
			errors := strings.Join(regexp.MustCompile(`(?m)^Error.*$`).FindAllString(string(log), -1), "\n")
			require.FailNow(t, "the server did not "+what, "ended: %t\n%s\n%s", s.process.Ended(), errors, Tail(string(log), 4000))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Unseal unseals and waits until requests are served.
func (s *Server) Unseal(t testing.TB) {
	t.Helper()
	s.Unlock(t)
	s.AwaitActive(t)
}

// Unlock unseals.
func (s *Server) Unlock(t testing.TB) {
	t.Helper()
	_, err := s.Client(t).Sys().UnsealWithContext(t.Context(), s.UnsealKey)
	require.NoError(t, err)
}

// AwaitActive waits until the server serves requests by itself.
func (s *Server) AwaitActive(t testing.TB) {
	t.Helper()
	client := s.Client(t)
	s.Wait(t, "become active", func(ctx context.Context) bool {
		health, err := client.Sys().HealthWithContext(ctx)
		return err == nil && health.Initialized && !health.Sealed && !health.Standby
	})
}

// raw is where Vault shows what it stores of the mount sei.
func (s *Server) raw(t testing.TB) string {
	t.Helper()
	mounts, err := s.Client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	return "sys/raw/logical/" + mounts["sei/"].UUID + "/"
}

// Stored returns what the mount sei keeps under a key of its storage, as Vault has it; "" if
// there is nothing.
func (s *Server) Stored(t testing.TB, key string) string {
	t.Helper()
	entry, err := s.Client(t).Logical().ReadWithContext(t.Context(), s.raw(t)+key)
	require.NoError(t, err)
	if entry == nil {
		return ""
	}
	value, _ := entry.Data["value"].(string)
	return value
}

// StoredKeys returns the keys below a prefix of the mount's storage.
func (s *Server) StoredKeys(t testing.TB, prefix string) ([]any, error) {
	t.Helper()
	entry, err := s.Client(t).Logical().ListWithContext(t.Context(), s.raw(t)+prefix)
	if err != nil || entry == nil {
		return nil, err
	}
	keys, _ := entry.Data["keys"].([]any)
	return keys, nil
}

// Tail is the end of a text, of at most n bytes.
func Tail(s string, n int) string { return s[max(0, len(s)-n):] }
