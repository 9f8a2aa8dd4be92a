package acceptance_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// receiver is a webhook on loopback. All that it is sent is evidence: no secret may be in
// it but its own address, which is not in what is sent.
type receiver struct {
	server   *httptest.Server
	evidence evidence

	mu sync.Mutex
	// said are the messages, their headers before them; ids are theirs.
	said   []string
	ids    []string
	status int
	drops  bool
}

// startReceiver begins one that takes every message.
func startReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent, evidence: evidenceOf(t)}
	r.server = httptest.NewServer(r)
	dir := t.TempDir()
	t.Cleanup(func() {
		r.server.Close()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "messages"), []byte(r.got()), 0o600))
		r.evidence.keep(t, dir)
	})
	return r
}

// hook is an address of the receiver, which is a secret.
func (r *receiver) hook(name string) string {
	path := "hook-" + name + "-4f1d9c27b36e8a50"
	r.evidence.canary("webhook", path)
	return r.server.URL + "/" + path
}

// ServeHTTP takes a message, or answers as it was told.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var header bytes.Buffer
	_ = req.Header.Write(&header)
	r.mu.Lock()
	status, drops := r.status, r.drops
	if drops || status < http.StatusMultipleChoices {
		r.said = append(r.said, header.String()+string(body))
		r.ids = append(r.ids, req.Header.Get("webhook-id"))
	}
	r.mu.Unlock()
	if drops {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

func (r *receiver) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n\n")
}

// answers makes the receiver answer with a status, or break the connection after it has
// read the message.
func (r *receiver) answers(status int, drops bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.drops = status, drops
}

// count is how many messages match all patterns; those that came twice count once.
func (r *receiver) count(patterns []*regexp.Regexp) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i, text := range r.said {
		if matchesAll(text, patterns) && !slices.Contains(r.ids[:i], r.ids[i]) {
			n++
		}
	}
	return n
}

// runReceiver is the command receiver:
//
//	receiver start               begin one, at $HOOK
//	receiver answers STATUS      from now on
//	receiver drops               take messages from now on, and break the connection
//	receiver got N PATTERN...    wait until N messages match all patterns, those that came twice counted once
func runReceiver(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 9)
	switch {
	case args[0] == "start":
		s.receiver = startReceiver(s.t)
		ts.Setenv("HOOK", s.receiver.hook(s.mount))
	case args[0] == "answers" && len(args) == 2:
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.receiver.answers(status, false)
	case args[0] == "drops":
		s.receiver.answers(http.StatusOK, true)
	case args[0] == "got" && len(args) > 2:
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		var patterns []*regexp.Regexp
		for _, arg := range args[2:] {
			patterns = append(patterns, regexp.MustCompile(arg))
		}
		if !assert.Eventually(s.t, func() bool { return s.receiver.count(patterns) == n }, 90*time.Second, 100*time.Millisecond) {
			ts.Fatalf("not %d messages match all of %q:\n%s", n, args[2:], s.receiver.got())
		}
	default:
		ts.Fatalf("the receiver cannot %q", args)
	}
}
