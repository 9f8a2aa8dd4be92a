package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/host"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
)

const (
	version = "v0.0.2-host"
	module  = "vault-plugin-secrets-sei"
)

// envBuilt is where TestMain puts the folder of the programs that all tests share.
const envBuilt = "SEI_HOST_BUILT"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	layer.NeverCached()
	built, err := os.MkdirTemp("", "sei-host-")
	if err == nil {
		defer func() { _ = os.RemoveAll(built) }()
		err = errors.Join(os.Setenv(envBuilt, built), build(context.Background(), built, "../../cmd/"+module, "../../scripts/try"))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

// build builds programs into a folder, as make does so that nothing is compiled twice.
// The arguments are packages, and before them further flags of go build.
func build(ctx context.Context, folder string, args ...string) error {
	args = append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-X " + module + ".version=" + version, "-o", folder + "/"}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// built is the path of a program that TestMain has built.
func built(name string) string { return filepath.Join(os.Getenv(envBuilt), name) }

func start(t *testing.T, program string) *host.Host {
	t.Helper()
	h, err := registered(t, program).Start(t.Context(), io.Discard)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	return h
}

func registered(t *testing.T, path string) host.Program {
	t.Helper()
	program, err := host.Register(path)
	require.NoError(t, err)
	return program
}

func mount(t *testing.T, h *host.Host, storage logical.Storage) *host.Mount {
	t.Helper()
	m, err := h.Mount(t.Context(), storage)
	require.NoError(t, err)
	return m
}

// jira is a fake Jira that knows one credential, and the settings of an integration with it.
func jira(t *testing.T) (settings, credential map[string]any) {
	t.Helper()
	fake := jiratest.NewJira(jiratest.JiraOptions{})
	fake.AddAPIToken("ada@example.com", "ATATT-host")
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return map[string]any{"provider": "jira", "auth_type": "api_key", "url": server.URL},
		map[string]any{"email": "ada@example.com", "api_key": "ATATT-host"}
}

// must returns the data of an answer that is no refusal.
func must(t *testing.T) func(*logical.Response, error) map[string]any {
	t.Helper()
	return func(resp *logical.Response, err error) map[string]any {
		t.Helper()
		require.NoError(t, err)
		if resp == nil {
			return nil
		}
		require.NoError(t, resp.Error())
		return resp.Data
	}
}

// configured is a mount with a Jira whose credential is in use.
func configured(t *testing.T, h *host.Host) *host.Mount {
	t.Helper()
	settings, credential := jira(t)
	m := mount(t, h, &logical.InmemStorage{})
	must(t)(m.Write(t.Context(), "config", map[string]any{"allowed_hosts": "http://127.0.0.1"}))
	must(t)(m.Write(t.Context(), "integrations/jira", settings))
	must(t)(m.Write(t.Context(), "reauth/jira", credential))
	return m
}

func TestHost(t *testing.T) {
	program := built(module)
	t.Run("says what it is", func(t *testing.T) {
		h := start(t, program)
		m := mount(t, h, &logical.InmemStorage{})
		assert.Equal(t, 5, h.Version())
		assert.Equal(t, version, m.RunningVersion())
		assert.Contains(t, m.SealWrapped(), "credentials/")
	})
	t.Run("mounts of one process share nothing", func(t *testing.T) {
		h := start(t, program)
		one := configured(t, h)
		other := mount(t, h, &logical.InmemStorage{})
		assert.Equal(t, "ATATT-host", must(t)(one.Read(t.Context(), "creds/jira"))["api_key"])
		resp, err := other.Read(t.Context(), "creds/jira")
		require.ErrorIs(t, err, logical.ErrUnsupportedPath)
		assert.Contains(t, resp.Error().Error(), "unknown_integration")
		one.Close(t.Context())
		must(t)(other.Read(t.Context(), "config"))
		assert.False(t, h.Exited(), "the process goes on for the other mount")
	})
	t.Run("a changed key is read again once it is invalidated", func(t *testing.T) { invalidated(t, start(t, program)) })
	t.Run("many at once", func(t *testing.T) { manyAtOnce(t, configured(t, start(t, program))) })
	t.Run("what was acknowledged outlives a killed process", func(t *testing.T) { killed(t, program) })
	t.Run("a program that was changed is not started", func(t *testing.T) { changed(t, program) })
}

// invalidated has two mounts over one storage, as two nodes of a cluster have.
func invalidated(t *testing.T, h *host.Host) {
	t.Helper()
	active := configured(t, h)
	standby := mount(t, h, active.Storage())
	must(t)(active.Write(t.Context(), "integrations/jira", map[string]any{"description": "before"}))
	require.Equal(t, "before", must(t)(standby.Read(t.Context(), "integrations/jira"))["description"])
	must(t)(active.Write(t.Context(), "integrations/jira", map[string]any{"description": "after"}))
	require.Equal(t, "before", must(t)(standby.Read(t.Context(), "integrations/jira"))["description"], "reads are served from memory")
	standby.Invalidate(t.Context(), "integrations/jira")
	assert.Equal(t, "after", must(t)(standby.Read(t.Context(), "integrations/jira"))["description"])
}

func manyAtOnce(t *testing.T, m *host.Mount) {
	t.Helper()
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			for range 20 {
				resp, err := m.Read(t.Context(), "creds/jira")
				if assert.NoError(t, err) && assert.NoError(t, resp.Error()) {
					assert.Equal(t, "ATATT-host", resp.Data["api_key"])
				}
			}
		})
	}
	wait.Wait()
}

func killed(t *testing.T, program string) {
	t.Helper()
	h := start(t, program)
	m := configured(t, h)
	require.NoError(t, syscall.Kill(h.PID(), syscall.SIGKILL))
	require.Eventually(t, h.Exited, 10*time.Second, 10*time.Millisecond)
	_, err := m.Read(t.Context(), "creds/jira")
	require.Error(t, err, "nobody is there to answer")
	again := mount(t, start(t, program), m.Storage())
	data := must(t)(again.Read(t.Context(), "creds/jira"))
	assert.Equal(t, "ATATT-host", data["api_key"])
	assert.Equal(t, "1", fmt.Sprint(data["version"]))
}

// What is added here changes nothing of what the program does, so it is the sum that keeps
// it from being started.
func changed(t *testing.T, program string) {
	t.Helper()
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), module)
	require.NoError(t, os.WriteFile(path, content, 0o700))
	p := registered(t, path)
	require.NoError(t, os.WriteFile(path, append(content, '\n'), 0o700))
	_, err = p.Start(t.Context(), io.Discard)
	assert.ErrorContains(t, err, "the plugin does not start")
	assert.ErrorContains(t, err, "checksums did not match")
	start(t, path).Close()
}

// The first thing that a newcomer runs: it checks every step itself, and says that it is
// no Vault.
func TestTry(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), built("try"), built(module)).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, text := range []string{version, "refused: credential_rejected:", "version 1\n  stays in use", "refused: field_not_allowed:", "every step did", "no Vault", "make demo"} {
		assert.Contains(t, string(out), text)
	}
	assert.Error(t, exec.CommandContext(t.Context(), built("try"), built("try")).Run(), "a program that is no plugin")
}

// A panic in a request of one mount is answered, its text, which may quote a secret, is
// not logged, and neither the process nor another mount ends.
func TestAPanicEndsNothing(t *testing.T) {
	var log lockedBuffer
	folder := t.TempDir()
	require.NoError(t, build(t.Context(), folder, "-overlay="+planted(t), "../../cmd/"+module))
	h, err := registered(t, filepath.Join(folder, module)).Start(t.Context(), &log)
	require.NoError(t, err)
	t.Cleanup(h.Close)
	one, other := configured(t, h), configured(t, h)
	_, err = one.Read(t.Context(), "providers/jira")
	require.ErrorContains(t, err, "internal error")
	assert.NotContains(t, err.Error(), "planted")
	assert.False(t, h.Exited())
	for _, m := range []*host.Mount{one, other} {
		assert.Equal(t, "ATATT-host", must(t)(m.Read(t.Context(), "creds/jira"))["api_key"])
	}
	assert.Contains(t, log.String(), "a request panicked")
	assert.NotContains(t, log.String(), "planted")
}

// planted is an overlay of go build in which reading a provider panics.
func planted(t *testing.T) string {
	t.Helper()
	const file, head = "../../path_providers.go", "func (e *engine) readProvider("
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after, found := strings.Cut(string(source), head)
	require.True(t, found, "%s has %s", file, head)
	signature, body, _ := strings.Cut(after, "{\n")
	changed := filepath.Join(t.TempDir(), "path_providers.go")
	text := before + head + signature + "{\n\tif c.name != \"\" {\n\t\tpanic(\"planted\")\n\t}\n" + body
	require.NoError(t, os.WriteFile(changed, []byte(text), 0o600))
	original, err := filepath.Abs(file)
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(path, overlay, 0o600))
	return path
}

// lockedBuffer is written by the plugin's log and read by the test.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
