package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// consoleName is the console's program.
const consoleName = "sei-console"

// Console is a running console of one person. All that it writes is kept as evidence.
type Console struct {
	// Start is the start link, which works once.
	Start string
	// Dir is where its output is, and what else is to be kept of it.
	Dir     string
	process *Process
}

// StartConsole builds the console, and starts it for a server with a token.
func StartConsole(t testing.TB, server *Server, token string, flags ...string) *Console {
	t.Helper()
	dir, err := os.MkdirTemp("", "sei-console-") //nolint:usetesting // it is kept
	require.NoError(t, err)
	out, err := os.OpenFile(filepath.Join(dir, "output"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer func() { _ = out.Close() }()
	env := append(os.Environ(), "VAULT_ADDR="+server.Addr, "VAULT_TOKEN="+token, "HOME="+dir)
	c := &Console{Dir: dir}
	c.process, err = StartProcess(out, env, buildConsole(t), append([]string{"-no-browser"}, flags...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.process.Stop(5 * time.Second)
		evidence.Of(t).Keep(t, dir)
	})
	ctx, cancel := context.WithTimeout(t.Context(), StartLimit)
	defer cancel()
	for c.Start == "" {
		require.NoError(t, ctx.Err(), "the console did not start: %s", c.Output(t))
		require.False(t, c.process.Ended(), "the console ended: %s", c.Output(t))
		c.Start = string(regexp.MustCompile(`http://127\.0\.0\.1:\d+/start/[\w-]+`).Find([]byte(c.Output(t))))
		time.Sleep(20 * time.Millisecond)
	}
	return c
}

// Output is all that the console wrote so far.
func (c *Console) Output(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.Dir, "output"))
	require.NoError(t, err)
	return string(data)
}

// Environment is what others of its user can see of the console's processes: with what they
// were started, and in which environment.
func (c *Console) Environment(t testing.TB) string {
	t.Helper()
	var all bytes.Buffer
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, path := range processes {
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(consoleName)) {
			continue // it has ended, or is another
		}
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		fmt.Fprintf(&all, "%s\n%s\n", bytes.ReplaceAll(data, []byte{0}, []byte{' '}), bytes.ReplaceAll(environ, []byte{0}, []byte{'\n'}))
	}
	return all.String()
}

func buildConsole(t testing.TB) string {
	t.Helper()
	folder := inRepository(builds)
	unlock, err := lock(filepath.Join(folder, consoleName+".lock"))
	require.NoError(t, err)
	defer unlock()
	program := filepath.Join(folder, consoleName)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", program, "./cmd/sei-console")
	cmd.Dir, cmd.Env = inRepository("."), append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	own := filepath.Join(t.TempDir(), consoleName) // that of this test, while others build
	require.NoError(t, copyProgram(own, program))
	return own
}
