package stories_test

import (
	"fmt"
	"io"
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
		switch {
		case i > 0 && args[i-1] == "shot":
			flags = append(flags, harness.Shot(s.t, arg))
		case arg != "axe":
			flags = append(flags, arg)
		default:
			if script := harness.Axe(s.t); script != "" {
				flags = append(flags, arg, script)
			}
		}
	}
	cmd := harness.Browser(s.t, flags...)
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

// runConfirm opens the page at which a browser comes back, which must ask, and confirms.
func runConfirm(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	asks, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, args[1], http.NoBody)
	ts.Check(err)
	answer, err := http.DefaultClient.Do(asks)
	ts.Check(err)
	page, err := io.ReadAll(answer.Body)
	ts.Check(err)
	_ = answer.Body.Close()
	form := harness.FormOf(string(page))
	if answer.StatusCode != http.StatusOK || form == nil {
		ts.Fatalf("status %s: not asked: %s", answer.Status, page)
	}
	request, err := harness.ConfirmRequest(s.t.Context(), asks.URL, form)
	ts.Check(err)
	send(ts, http.DefaultClient, request, args[0])
}

func runVisit(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, args[1], http.NoBody)
	ts.Check(err)
	page := send(ts, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return fmt.Errorf("a redirect") }}, request, args[0])
	ts.Setenv("CONFIRMATION", harness.FormOf(page).Get("confirmation"))
}
