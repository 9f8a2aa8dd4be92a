package stories_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// describe tells a script where the fakes are. $WORK/ca.pem is the proxy's CA.
func describe(t testing.TB, f *harness.Fakes, env *testscript.Env) {
	t.Helper()
	for key, url := range f.URLs {
		env.Setenv(key, url)
	}
	env.Setenv("CLOUD_ID", f.World.Jira.CloudID())
	require.NoError(t, os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), []byte(f.World.CAPEM()), 0o600))
}

// runFake controls a fake by its name in catalogtest.World, such as gitlab_own; only
// github is the one on $GITHUB, and github_com the one behind the proxy.
//
//	fake NAME add KEY=VALUE...       add a token: the fields of JiraToken, GitLabToken and so on
//	fake NAME revoke TOKEN           forget it
//	fake NAME org KEY=VALUE...       add an organisation, or a workspace
//	fake NAME captcha KEY=VALUE...   demand a CAPTCHA (Jira)
//	fake NAME anonymous KEY=VALUE    let anybody in (SonarQube), with allow=true
//	fake NAME fault FAULT [KEY=VALUE...]   misbehave, until the fault is none
//	fake NAME answer KEY=VALUE...    answer so, until the fault is none: the fields of Fault
//	fake NAME requests [COUNT]       write the requests so far to stdout, and expect that many
//	fake NAME forget                 forget the requests
//	fake NAME await [PATH]           wait for a request since then, answered or not
//	fake NAME client KEY=VALUE...    register an OAuth client: the fields of OAuthClient
//	fake NAME signin KEY=VALUE...    who sits at the browser: the fields of BitbucketToken or AzureToken
//	fake NAME life SECONDS           how long the access tokens live that are issued from now on
//	fake NAME grants|access          revoke all refresh tokens, or all access tokens
//	fake NAME refreshes COUNT        expect that many refreshes so far
//	fake other requests COUNT        expect that many requests at $OTHER
func runFake(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 9)
	name, verb, rest := args[0], args[1], args[2:]
	if name == "other" {
		expectCount(ts, s.fakes.Elsewhere(), rest)
		return
	}
	switch verb {
	case "add":
		s.control(ts, http.MethodPost, name, "tokens", object(ts, rest))
	case "revoke":
		s.control(ts, http.MethodDelete, name, "tokens", map[string]any{"token": rest[0]})
	case "org":
		s.control(ts, http.MethodPost, name, "organizations", object(ts, rest))
	case "captcha", "anonymous":
		s.control(ts, http.MethodPost, name, verb, object(ts, rest))
	case "client", "signin":
		s.control(ts, http.MethodPost, name, map[string]string{"client": "clients", "signin": "signin"}[verb], object(ts, rest))
	case "life":
		s.control(ts, http.MethodPost, name, "life", object(ts, []string{"seconds=" + rest[0]}))
	case "grants", "access":
		s.control(ts, http.MethodDelete, name, verb, nil)
	case "refreshes":
		s.expectRefreshes(ts, name, rest[0])
	case "fault":
		body := object(ts, rest[1:])
		body["name"] = rest[0]
		s.control(ts, http.MethodPost, name, "fault", body)
	case "answer":
		s.control(ts, http.MethodPost, name, "fault", object(ts, rest))
	case "forget":
		s.control(ts, http.MethodDelete, name, "requests", nil)
	case "await":
		s.await(ts, name, strings.Join(rest, ""))
	case "requests":
		answer := s.control(ts, http.MethodGet, name, "requests", nil)
		_, _ = io.WriteString(ts.Stdout(), answer)
		var requests []any
		ts.Check(json.Unmarshal([]byte(answer), &requests))
		expectCount(ts, len(requests), rest)
	default:
		ts.Fatalf("unknown verb %q", verb)
	}
}

// control talks to the fakes' remote control, without a network.
func (s *story) control(ts *testscript.TestScript, method, name, what string, body map[string]any) string {
	// The scripts say github for the one that has a plain address.
	switch name {
	case "github":
		name = "github_enterprise"
	case "github_com":
		name = "github"
	}
	data, err := json.Marshal(body)
	ts.Check(err)
	request := httptest.NewRequestWithContext(s.t.Context(), method, "/"+name+"/"+what, strings.NewReader(string(data)))
	answer := httptest.NewRecorder()
	s.fakes.World.Control().ServeHTTP(answer, request)
	if answer.Code >= http.StatusBadRequest {
		ts.Fatalf("the fake says %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// await waits until a request to path has arrived; "" is any.
func (s *story) await(ts *testscript.TestScript, name, path string) {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if strings.Contains(s.control(ts, http.MethodGet, name, "requests", nil), `"path":"`+path) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no request arrived")
		}
	}
}

// expectRefreshes waits a moment for as many: a request is noted before it is done.
func (s *story) expectRefreshes(ts *testscript.TestScript, name, want string) {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got := strings.TrimSpace(s.control(ts, http.MethodGet, name, "refreshes", nil))
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s refreshes", got)
		}
	}
}

// object makes a JSON object of KEY=VALUE arguments. Numbers and flags are what
// they look like, some keys are lists, and KEY:=JSON is any other form.
func object(ts *testscript.TestScript, args []string) map[string]any {
	lists := []string{"scopes", "authorized", "members", "organizations", "permissions"}
	body := map[string]any{}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		number, err := strconv.Atoi(value)
		switch {
		case !found:
			ts.Fatalf("%q is not KEY=VALUE", arg)
		case strings.HasSuffix(key, ":"):
			body[strings.TrimSuffix(key, ":")] = json.RawMessage(value)
		case slices.Contains(lists, key):
			body[key] = strings.Split(value, ",")
		case value == "true", value == "false":
			body[key] = value == "true"
		case err == nil:
			body[key] = number
		default:
			body[key] = value
		}
	}
	return body
}

func expectCount(ts *testscript.TestScript, got int, want []string) {
	if len(want) == 1 && want[0] != strconv.Itoa(got) {
		ts.Fatalf("%d requests", got)
	}
}
