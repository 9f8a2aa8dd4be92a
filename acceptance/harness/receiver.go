package harness

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// MatchesAll reports whether a line matches all patterns.
func MatchesAll(line string, patterns []*regexp.Regexp) bool {
	for _, pattern := range patterns {
		if !pattern.MatchString(line) {
			return false
		}
	}
	return true
}

var newsType = regexp.MustCompile(`"type":"sei\.([a-z_]+)"`)

// Heard are the types of the messages, those that came twice once.
func (r *Receiver) Heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var types []string
	for i, text := range r.said {
		if found := newsType.FindStringSubmatch(text); found != nil && !slices.Contains(r.ids[:i], r.ids[i]) {
			types = append(types, strings.Clone(found[1]))
		}
	}
	return types
}

// Receiver is a webhook on loopback. All that it is sent is evidence: no secret may be in
// it but its own address, which is not in what is sent.
type Receiver struct {
	server   *httptest.Server
	evidence evidence.Run

	mu sync.Mutex
	// said are the messages, their headers before them; ids are theirs.
	said   []string
	ids    []string
	status int
	drops  bool
}

// StartReceiver begins one that takes every message.
func StartReceiver(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{status: http.StatusNoContent, evidence: evidence.Of(t)}
	r.server = httptest.NewServer(r)
	dir := t.TempDir()
	t.Cleanup(func() {
		r.server.Close()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "messages"), []byte(r.Got()), 0o600))
		r.evidence.Keep(t, dir)
	})
	return r
}

// Hook is an address of the receiver, which is a secret.
func (r *Receiver) Hook(name string) string {
	path := "hook-" + name + "-4f1d9c27b36e8a50"
	r.evidence.Canary("webhook", path)
	return r.server.URL + "/" + path
}

// Address is where it listens.
func (r *Receiver) Address() string { return r.server.Listener.Addr().String() }

// ServeHTTP takes a message, or answers as it was told.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
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

// Got is all messages so far, their headers before them.
func (r *Receiver) Got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.said, "\n\n")
}

// Answers makes the receiver answer with a status, or break the connection after it has
// read the message.
func (r *Receiver) Answers(status int, drops bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.drops = status, drops
}

// Count is how many messages match all patterns; those that came twice count once.
func (r *Receiver) Count(patterns []*regexp.Regexp) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for i, text := range r.said {
		if MatchesAll(text, patterns) && !slices.Contains(r.ids[:i], r.ids[i]) {
			n++
		}
	}
	return n
}
