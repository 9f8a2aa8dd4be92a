package stories_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// command is a command of the scripts. A "!" before it makes neg true.
type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what a script can do beside the commands of testscript itself.
// $SEI is the mount; $JIRA, $JIRA_DC and $GITHUB are fakes on loopback, and $PROXY
// with the authority ca.pem leads to all fakes under their real names.
//
//	api STATUS METHOD PATH [FILE]   send a request, whose body is the file, and expect that status
//	worker STATUS URL               send the headers of the creds on stdout to URL, and expect that status
//	[!] json PATH [VALUE]           the JSON on stdout has something, or VALUE, at a.b.0.c; ~VALUE is a pattern
//	capture VAR [PATH]              put stdout, or what its JSON has there, into an environment variable
//	envsubst FILE...                replace $VAR in files
//	[!] audit PATTERN...            a line of the audit file on this mount matches all patterns
//	log PATTERN...                  wait for a line of the server's log that matches all
//	secret VALUE...                 a secret, beside those that are known to be: none may show up, see package evidence
//	fake UPSTREAM VERB...           control a fake upstream, see fake_test.go
//	consent grant|deny URL          press a button of the page at URL; $BACK is where the browser is sent, $CODE and
//	                                $STATE what it brings
//	visit STATUS URL                open a page without a token and expect that status; stdout is the page, and
//	                                $CONFIRMATION what its form sends beside $CODE and $STATE
//	confirm STATUS URL              open the page of an authorization, which must ask, press its button and expect
//	                                that status; stdout is the page that comes of it
//	browser STEP...                 run the steps of tools/browser in a real browser, which reaches the fakes
//	receiver VERB...                a receiver of notifications, see receiver_test.go
//	[!] prints HEADING ARG...       run the vault CLI, and note what it prints of a refusal; after "!" of a success
//	golden FILE                     hold what was noted against a file of testdata/golden
//	server stop|start|crash|seal|unseal
//	plugin kill|reload
//	stopwatch [LIMIT]               start measuring; or expect that less than LIMIT has passed
//
// A line that begins with [has:TRAIT] is for servers that have the trait, see package harness.
func commands() map[string]command {
	return map[string]command{
		"api": runAPI, "worker": runWorker, "json": runJSON, "capture": runCapture, "audit": runAudit, "log": runLog, "secret": runSecret,
		"receiver": runReceiver, "prints": runPrints, "golden": runGolden,
		"consent": runConsent, "visit": runVisit, "confirm": runConfirm, "browser": runBrowser,
		"envsubst": runEnvsubst, "fake": runFake, "server": runServer, "plugin": runPlugin, "stopwatch": runStopwatch,
	}
}

// condition is what a line of a script may begin with.
func condition(t *testing.T) func(string) (bool, error) {
	t.Helper()
	server := harness.Running(t)
	return func(text string) (bool, error) {
		trait, ok := strings.CutPrefix(text, "has:")
		if !ok {
			return false, fmt.Errorf("unknown condition %q", text)
		}
		return server.Has(harness.Trait(trait)), nil
	}
}

// storyOf returns the story and refuses a "!" and the wrong number of arguments.
func storyOf(ts *testscript.TestScript, neg bool, args []string, least, most int) *story {
	if neg {
		ts.Fatalf("this command cannot be negated")
	}
	return storyWith(ts, args, least, most)
}

func storyWith(ts *testscript.TestScript, args []string, least, most int) *story {
	if len(args) < least || len(args) > most {
		ts.Fatalf("wrong number of arguments: %q", args)
	}
	s, ok := ts.Value(storyKey{}).(*story)
	if !ok {
		ts.Fatalf("no story")
	}
	return s
}

func runAPI(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 3, 4)
	var body io.Reader
	if len(args) == 4 {
		body = strings.NewReader(ts.ReadFile(args[3]))
	}
	request, err := http.NewRequestWithContext(s.t.Context(), args[1], s.server.Addr+"/v1/"+args[2], body)
	ts.Check(err)
	request.Header.Set("X-Vault-Token", ts.Getenv("VAULT_TOKEN"))
	request.Header.Set("X-Vault-Request", "true")
	send(ts, http.DefaultClient, request, args[0])
}

func runWorker(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 2, 2)
	var creds struct {
		Data struct {
			Headers map[string]string `json:"headers"`
		} `json:"data"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &creds))
	if len(creds.Data.Headers) == 0 {
		ts.Fatalf("no creds with headers on stdout")
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, args[1], http.NoBody)
	ts.Check(err)
	for name, value := range creds.Data.Headers {
		request.Header.Set(name, value)
	}
	send(ts, s.fakes.Client(s.t), request, args[0])
}

// send writes the body of the answer to stdout.
func send(ts *testscript.TestScript, client *http.Client, request *http.Request, status string) (answer string) {
	response, err := client.Do(request)
	ts.Check(err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if strconv.Itoa(response.StatusCode) != status {
		ts.Fatalf("status %s: %s", response.Status, body)
	}
	_, _ = ts.Stdout().Write(body)
	return string(body)
}

func runAudit(ts *testscript.TestScript, neg bool, args []string) {
	s := storyWith(ts, args, 1, 9)
	patterns := []*regexp.Regexp{regexp.MustCompile(`"mount_point":"` + s.mount + `/"`)}
	for _, arg := range args {
		pattern, err := regexp.Compile(arg)
		ts.Check(err)
		patterns = append(patterns, pattern)
	}
	found := false
	for line := range strings.Lines(s.server.Audit(s.t)) {
		found = found || harness.MatchesAll(line, patterns)
	}
	if found == neg {
		ts.Fatalf("a line that matches all of %q: found=%t", args, found)
	}
}

func runLog(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 9)
	patterns := []*regexp.Regexp{}
	for _, arg := range args {
		pattern, err := regexp.Compile(arg)
		ts.Check(err)
		patterns = append(patterns, pattern)
	}
	require.Eventually(s.t, func() bool {
		text, err := os.ReadFile(s.server.LogPath())
		ts.Check(err)
		for line := range strings.Lines(string(text)) {
			if harness.MatchesAll(line, patterns) {
				return true
			}
		}
		return false
	}, 10*time.Second, 100*time.Millisecond, "no line of the log matches all of %q", args)
}

func runEnvsubst(ts *testscript.TestScript, neg bool, args []string) {
	storyOf(ts, neg, args, 1, 99)
	for _, name := range args {
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(os.Expand(ts.ReadFile(name), ts.Getenv)), 0o600))
	}
}

func runSecret(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 99)
	for _, secret := range args {
		evidence.Of(s.t).Canary("named by a story", secret)
	}
}

func runServer(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 1)
	verbs := map[string]func(){
		"stop":  s.server.Stop,
		"start": func() { s.server.Start(s.t) },
		"crash": func() { s.server.Kill() },
		"seal": func() {
			require.NoError(s.t, s.server.Client(s.t).Sys().SealWithContext(s.t.Context()))
		},
		"unseal": func() { s.server.Unseal(s.t) },
	}
	do(ts, verbs, args[0])
}

func runPlugin(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 1)
	verbs := map[string]func(){
		"kill":   func() { require.NotZero(s.t, s.server.KillPlugin(s.t)) },
		"reload": func() { s.server.ReloadPlugin(s.t, harness.CatalogName) },
	}
	do(ts, verbs, args[0])
}

func do(ts *testscript.TestScript, verbs map[string]func(), verb string) {
	act, found := verbs[verb]
	if !found {
		ts.Fatalf("unknown verb %q", verb)
	}
	act()
}

// stopwatch is when the script last started measuring.
type stopwatch struct{ started time.Time }

func runStopwatch(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 0, 1)
	if len(args) == 0 {
		s.since.started = time.Now()
		return
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	if took := time.Since(s.since.started); took > limit {
		ts.Fatalf("took %s", took)
	}
}
