package harness

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// envBrowser is where PrepareBrowser puts the path of tools/browser.
const envBrowser = "SEI_BROWSER"

// BrowserLimit bounds the build of tools/browser, and of what may have to be installed.
const BrowserLimit = 10 * time.Minute

// screenshots are kept where make clean removes them.
const screenshots = "build/screenshots"

// PrepareBrowser builds tools/browser for the test, and leaves where it and the browser
// are in the environment.
func PrepareBrowser(t *testing.T) {
	t.Helper()
	chromium := findChromium(t)
	path := filepath.Join(t.TempDir(), "browser")
	ctx, cancel := context.WithTimeout(t.Context(), BrowserLimit)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	build.Dir, build.Env = inRepository("tools/browser"), append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv(envBrowser, path)
	t.Setenv("CHROMIUM_BIN", chromium)
	require.NoError(t, os.MkdirAll(inRepository(screenshots), 0o750))
}

// Browser is tools/browser with steps to take, once PrepareBrowser has built it.
func Browser(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), os.Getenv(envBrowser), args...)
}

func findChromium(t *testing.T) string {
	t.Helper()
	required := os.Getenv("SEI_ACCEPTANCE") == "required"
	var args []string
	if !required {
		args = []string{"--find"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), BrowserLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, inRepository("scripts/chromium.sh"), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil && !required {
		t.Skip("no Chromium found; make check installs one where it can")
	}
	require.NoError(t, err, "scripts/chromium.sh")
	return strings.TrimSpace(string(out))
}

// Shot is where a screenshot is kept.
func Shot(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(inRepository(screenshots), name)
}

// Axe is the script of axe-core, which finds what keeps people from using a page; "" where
// there is none and no npm, which not every machine that runs the tests has.
func Axe(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), BrowserLimit)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, inRepository("scripts/npm.sh"), "axe-core")
	cmd.Stderr = &said
	out, err := cmd.Output()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
		t.Log("no axe-core: ", said.String())
		return ""
	}
	require.NoError(t, err, said.String())
	return filepath.Join(strings.TrimSpace(string(out)), "axe.min.js")
}
