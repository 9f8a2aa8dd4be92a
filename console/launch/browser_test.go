package launch_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/console/launch"
)

// What a program is started with can be read by every user of the machine: it holds no code,
// and what does can be read by one user alone.
func TestTheCodeIsNotInTheListOfProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the program that opens a browser is found on PATH on Linux only")
	}
	bin, said := t.TempDir(), filepath.Join(t.TempDir(), "said")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\necho \"$@\" >"+said+".new && mv "+said+".new "+said+"\n"), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("DISPLAY", ":1")
	const link = "http://127.0.0.1:1/start/canary-of-a-code"
	remove, err := launch.Browser(t.Context(), link)
	require.NoError(t, err)
	var args string
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(said)
		args = strings.TrimSpace(string(data))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	assert.NotContains(t, args, "canary")
	page, err := os.ReadFile(args)
	require.NoError(t, err)
	assert.Contains(t, string(page), `content="0;url=`+link+`"`)
	for path, mode := range map[string]os.FileMode{args: 0o600, filepath.Dir(args): 0o700} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), path)
	}
	remove()
	assert.NoFileExists(t, args)
	assert.NoDirExists(t, filepath.Dir(args))
}

// A browser stays long after the console: it gets nothing of what is meant for Vault's clients.
func TestTheBrowserGetsNoToken(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the program that opens a browser is found on PATH on Linux only")
	}
	bin, said := t.TempDir(), filepath.Join(t.TempDir(), "said")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\nenv >"+said+".new && mv "+said+".new "+said+"\n"), 0o700))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("DISPLAY", ":1")
	t.Setenv("VAULT_TOKEN", "canary-of-a-token")
	t.Setenv("VAULT_ADDR", "https://canary.example")
	remove, err := launch.Browser(t.Context(), "http://127.0.0.1:1/")
	require.NoError(t, err)
	defer remove()
	var env string
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(said)
		env = string(data)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	assert.NotContains(t, env, "canary")
	assert.Contains(t, env, "DISPLAY=:1")
}

func TestWithoutADisplay(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere there always is one")
	}
	t.Setenv("DISPLAY", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err := launch.Browser(t.Context(), "http://127.0.0.1:1/")
	require.ErrorContains(t, err, "no display")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}
