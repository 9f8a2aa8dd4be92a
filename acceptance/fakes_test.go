package acceptance_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/providertest"
)

// fakes are the upstreams of one story: under their real names behind a proxy,
// and on plain loopback addresses.
type fakes struct {
	world *providertest.World
	urls  map[string]string // environment variable → address
	// arrived counts requests that a fake has not answered yet, too; other is a
	// host that no integration names.
	arrived map[string]*atomic.Int64
}

func startFakes(t testing.TB) *fakes {
	t.Helper()
	world := providertest.NewWorld()
	t.Cleanup(world.Close)
	f := &fakes{world: world, arrived: map[string]*atomic.Int64{}}
	nobody := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	f.urls = map[string]string{
		"JIRA":    f.listen(t, "jira", world.Jira),
		"JIRA_DC": f.listen(t, "jira_dc", world.JiraDataCenter) + "/jira",
		"GITHUB":  f.listen(t, "github", world.GitHubEnterprise),
		"OTHER":   f.listen(t, "other", nobody),
		"PROXY":   world.ProxyURL(),
		"GONE":    "http://127.0.0.1:1", // where nothing listens
	}
	return f
}

// listen serves a fake on loopback and returns its address.
func (f *fakes) listen(t testing.TB, name string, handler http.Handler) string {
	t.Helper()
	arrived := &atomic.Int64{}
	f.arrived[name] = arrived
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		handler.ServeHTTP(w, r)
	}))
	// Not Close, which would wait for answers that a fault holds back.
	t.Cleanup(func() {
		server.CloseClientConnections()
		_ = server.Listener.Close()
	})
	return server.URL
}

// describe tells a script where the fakes are. $WORK/ca.pem is the proxy's CA.
func (f *fakes) describe(t testing.TB, env *testscript.Env) {
	t.Helper()
	for key, url := range f.urls {
		env.Setenv(key, url)
	}
	env.Setenv("CLOUD_ID", f.world.Jira.CloudID())
	require.NoError(t, os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), []byte(f.world.CAPEM()), 0o600))
}

// runFake controls a fake: jira, jira_dc, github (on $GITHUB) or github_com.
//
//	fake NAME add KEY=VALUE...       add a token: the fields of JiraToken or GitHubToken
//	fake NAME revoke TOKEN           forget it
//	fake NAME org KEY=VALUE...       add an organisation
//	fake NAME captcha KEY=VALUE...   demand a CAPTCHA
//	fake NAME fault FAULT [KEY=VALUE...]   misbehave, until the fault is none
//	fake NAME requests [COUNT]       write the requests so far to stdout, and expect that many
//	fake NAME forget                 forget the requests
//	fake NAME await                  wait for a request since then, answered or not
//	fake other requests COUNT        expect that many requests at $OTHER
func runFake(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 9)
	name, verb, rest := args[0], args[1], args[2:]
	if name == "other" {
		expectCount(ts, int(s.fakes.arrived[name].Load()), rest)
		return
	}
	switch verb {
	case "add":
		body := object(ts, rest)
		s.secrets = append(s.secrets, forms(body)...)
		s.control(ts, http.MethodPost, name, "tokens", body)
	case "revoke":
		s.control(ts, http.MethodDelete, name, "tokens", map[string]any{"token": rest[0]})
	case "org":
		s.control(ts, http.MethodPost, name, "organizations", object(ts, rest))
	case "captcha":
		s.control(ts, http.MethodPost, name, "captcha", object(ts, rest))
	case "fault":
		body := object(ts, rest[1:])
		body["name"] = rest[0]
		s.control(ts, http.MethodPost, name, "fault", body)
	case "forget":
		s.control(ts, http.MethodDelete, name, "requests", nil)
		s.fakes.arrived[name].Store(0)
	case "await":
		s.fakes.await(ts, name)
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
	s.fakes.world.Control().ServeHTTP(answer, request)
	if answer.Code >= http.StatusBadRequest {
		ts.Fatalf("the fake says %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// forms are the ways in which a token could be written down.
func forms(body map[string]any) []string {
	token, _ := body["token"].(string)
	email, _ := body["email"].(string)
	return []string{token, base64.StdEncoding.EncodeToString([]byte(email + ":" + token))}
}

// await waits until a request has arrived.
func (f *fakes) await(ts *testscript.TestScript, name string) {
	for deadline := time.Now().Add(10 * time.Second); f.arrived[name].Load() == 0; {
		if time.Now().After(deadline) {
			ts.Fatalf("no request arrived")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// object makes a JSON object of KEY=VALUE arguments. Numbers and flags are what
// they look like, and some keys are lists.
func object(ts *testscript.TestScript, args []string) map[string]any {
	lists := map[string]bool{"scopes": true, "authorized": true, "members": true}
	body := map[string]any{}
	for _, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		number, err := strconv.Atoi(value)
		switch {
		case !found:
			ts.Fatalf("%q is not KEY=VALUE", arg)
		case lists[key]:
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
