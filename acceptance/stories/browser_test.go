package stories_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// The stories of people at a browser, with a real one. It is found, or where the tests
// are required installed, by scripts/chromium.sh.
func TestBrowser(t *testing.T) {
	layer.Check(t, "people at a browser")
	harness.PrepareBrowser(t)
	shared := harness.StartDev(t)
	t.Run("stories", func(t *testing.T) {
		runStories(t, "testdata/browser", func(testing.TB) *harness.Server { return shared })
	})
}

// runBrowser runs steps in a browser that reaches the fakes through their proxy.
func runBrowser(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 99)
	flags := []string{"-proxy", s.fakes.World.ProxyURL(), "-insecure", "-size", "390x844", "-timeout", "60s"}
	for i, arg := range args {
		if i > 0 && args[i-1] == "shot" {
			args[i] = harness.Shot(s.t, arg)
		}
	}
	cmd := harness.Browser(s.t, append(flags, args...)...)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Run())
}

func runConsent(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	back, err := s.fakes.World.Consent(args[1], args[0] == "grant")
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
