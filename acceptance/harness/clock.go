package harness

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Clock is the wall clock of the engine in plugins of a folder that BuildClock made. It is as
// that of the machine until it jumps. What else is in the plugin's process keeps the machine's:
// TLS, the connection to Vault, and what counts how long something took.
type Clock struct {
	file  string
	ahead atomic.Int64 // nanoseconds
}

//go:embed testdata/clock.go.txt
var clockSource []byte

//go:embed testdata/state.go.txt
var stateSource []byte

// What is the clock in the released program, and what stands there in the one under test.
const (
	ownClock  = `catalog.All(strings.TrimPrefix(version, "v")), time.Now)`
	testClock = `catalog.All(strings.TrimPrefix(version, "v")), clockUnderTest)`
)

// BuildClock builds the plugin with another clock, and returns the plugin directory that has
// it. Nothing in the sources knows of that: Go builds with another sei.go in its place.
func BuildClock(t testing.TB) (plugins string, clock *Clock) {
	t.Helper()
	own := inRepository("sei.go")
	source, err := os.ReadFile(own)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), ownClock), "sei.go reads the time elsewhere now")
	sources, plugins := t.TempDir(), t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(sources, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		own:                      write("sei.go", []byte(strings.Replace(string(source), ownClock, testClock, 1))),
		inRepository("state.go"): write("state.go", stateSource),
		inRepository("clock.go"): write("clock.go", clockSource),
	}})
	require.NoError(t, err)
	plugins, err = filepath.EvalSymlinks(plugins)
	require.NoError(t, err)
	program := filepath.Join(plugins, PluginName)
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-overlay="+write("overlay.json", overlay),
		"-ldflags=-X vault-plugin-secrets-sei.version="+PluginVersion, "-o", program, "./cmd/vault-plugin-secrets-sei")
	build.Dir, build.Env = inRepository("."), append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return plugins, &Clock{file: program + ".clock"}
}

// Jump sets the clock forward, or back where d is negative, by whole seconds. The engine's
// next look at it sees that.
func (c *Clock) Jump(t testing.TB, d time.Duration) {
	t.Helper()
	ahead := time.Duration(c.ahead.Add(int64(d.Truncate(time.Second))))
	next := c.file + ".next"
	require.NoError(t, os.WriteFile(next, []byte(fmt.Sprint(int64(ahead/time.Second))), 0o600))
	require.NoError(t, os.Rename(next, c.file))
}

// Ahead is by how much the clock is ahead of the machine's.
func (c *Clock) Ahead() time.Duration { return time.Duration(c.ahead.Load()) }

// Now is what it shows.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }
