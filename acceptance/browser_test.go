package acceptance_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

// envBrowser is where prepareBrowser puts the path of tools/browser.
const envBrowser = "SEI_BROWSER"

// browserLimit bounds the build of tools/browser, and of what may have to be installed.
const browserLimit = 10 * time.Minute

// screenshots are kept where make clean removes them.
const screenshots = "build/screenshots"

// The stories of people at a browser, with a real one. It is found, or where the tests
// are required installed, by scripts/chromium.sh.
func TestBrowser(t *testing.T) {
	layer.Check(t, "people at a browser")
	prepareBrowser(t)
	shared := startDev(t)
	t.Run("stories", func(t *testing.T) {
		runStories(t, "testdata/browser", func(testing.TB) *server { return shared })
	})
}

// prepareBrowser builds tools/browser for the test, and leaves where it and the browser
// are in the environment.
func prepareBrowser(t *testing.T) {
	t.Helper()
	chromium := findChromium(t)
	path := filepath.Join(t.TempDir(), "browser")
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-o", path, ".")
	build.Dir, build.Env = inRepository("tools/browser"), append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv(envBrowser, path)
	t.Setenv("CHROMIUM_BIN", chromium)
	require.NoError(t, os.MkdirAll(inRepository(screenshots), 0o750))
}

// browser is tools/browser with steps to take, once prepareBrowser has built it.
func browser(t testing.TB, args ...string) *exec.Cmd {
	return exec.CommandContext(t.Context(), os.Getenv(envBrowser), args...)
}

func findChromium(t *testing.T) string {
	t.Helper()
	required := os.Getenv("SEI_ACCEPTANCE") == "required"
	var args []string
	if !required {
		args = []string{"--find"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
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

// runBrowser runs steps in a browser that reaches the fakes through their proxy.
func runBrowser(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 99)
	flags := []string{"-proxy", s.fakes.world.ProxyURL(), "-insecure", "-size", "390x844", "-timeout", "60s"}
	for i, arg := range args {
		if i > 0 && args[i-1] == "shot" {
			args[i] = shot(s.t, arg)
		}
	}
	cmd := browser(s.t, append(flags, args...)...)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Run())
}

func runConsent(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	back, err := s.fakes.world.Consent(args[1], args[0] == "grant")
	ts.Check(err)
	ts.Setenv("BACK", back.String())
	ts.Setenv("CODE", back.Query().Get("code"))
	ts.Setenv("STATE", back.Query().Get("state"))
}

func runVisit(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, args[1], http.NoBody)
	ts.Check(err)
	send(ts, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return fmt.Errorf("a redirect") }}, request, args[0])
}
