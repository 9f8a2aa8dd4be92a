package ecosystem_test

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// exampleWorkers are the commands of the workers in examples/, which send a request every
// 100 ms.
func exampleWorkers() map[string]func(t *testing.T, creds, url string, requests int) []string {
	return map[string]func(t *testing.T, creds, url string, requests int) []string{
		"go": func(t *testing.T, creds, url string, requests int) []string {
			t.Helper()
			binary := filepath.Join(t.TempDir(), "worker")
			out, err := bash(t, os.Environ(), "go build -o '"+binary+"' ./examples/worker-go")
			require.NoError(t, err, "%s", out)
			return []string{binary, "-creds", creds, "-url", url, "-requests", strconv.Itoa(requests), "-every", "100ms"}
		},
		"python": func(t *testing.T, creds, url string, requests int) []string {
			t.Helper()
			needs(t, "python3", "examples/worker.py")
			return []string{"python3", "../../examples/worker.py", creds, url, "--requests", strconv.Itoa(requests), "--every", "0.1"}
		},
		"shell": func(t *testing.T, creds, url string, requests int) []string {
			t.Helper()
			needs(t, "curl", "examples/worker.sh")
			return []string{"../../examples/worker.sh", creds, url, strconv.Itoa(requests), "0.1"}
		},
	}
}

// work is one run of a worker.
type work struct {
	*pool
	// onRequest is called before a request at the upstream is answered.
	onRequest func(n int64)
}

func (w *work) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	if w.onRequest != nil {
		w.onRequest(w.seen.Add(1))
	}
	w.fakes.World.GitHubEnterprise.ServeHTTP(answer, r)
}

// does runs a worker against a Vault and returns the tokens that its requests were sent
// with, by fingerprint.
func (w *work) does(t *testing.T, address string, command []string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), harness.StartLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(w.server.Environ(), "PATH="+harness.VaultOnPath(t), "VAULT_TOKEN="+w.workerToken(t), "VAULT_ADDR="+address)
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Less(t, time.Since(begun), harness.StartLimit/2, "the worker ends with its work")
	seen := strings.Contains(string(out), "ghp_") // NotContains would print it
	assert.False(t, seen, "the worker prints a token")
	var used []string
	for _, line := range regexp.MustCompile(`HTTP 200 with token (\S+)`).FindAllStringSubmatch(string(out), -1) {
		used = append(used, line[1])
	}
	return used
}

// A worker of examples/ goes on with a new credential within a second of its swap, long
// before ttl is over, and without a request that is refused.
func TestExamplesHearOfASwap(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	for name, command := range exampleWorkers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &work{pool: newPool(t, server, "sei-waits-"+name)}
			client := server.Client(t).Logical()
			harness.Write(t, client, w.mount+"/config", map[string]any{"creds_ttl": "1h"})
			const requests, swapAt = 40, 15
			w.onRequest = func(n int64) {
				if n == swapAt {
					_, err := client.WriteWithContext(t.Context(), w.mount+"/reauth/gh", map[string]any{"pat": []string{secondToken}})
					assert.NoError(t, err)
				}
			}
			used := w.does(t, server.Addr, command(t, w.mount+"/creds/gh", harness.Listen(t, w)+"/api/v3/user", requests))
			require.Len(t, used, requests)
			for i, token := range used[:swapAt] {
				assert.Equal(t, used[0], token, "request %d", i+1)
			}
			for i, token := range used[swapAt+10:] { // a second later
				assert.NotEqual(t, used[0], token, "request %d", i+swapAt+11)
			}
		})
	}
}

// Where nobody waits, as in an older engine, which warns of names in a query that it does
// not know, a worker of examples/ asks again when ttl says so, and not all the time.
func TestExamplesWithoutWaiting(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	target, err := url.Parse(server.Addr)
	require.NoError(t, err)
	for name, command := range exampleWorkers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &work{pool: newPool(t, server, "sei-older-"+name)}
			harness.Write(t, server.Client(t).Logical(), w.mount+"/config", map[string]any{"creds_ttl": "1s"})
			var asked atomic.Int64
			older := harness.Listen(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				query := r.Out.URL.Query()
				if query.Has("wait") {
					asked.Add(1)
					query.Set("waits", query.Get("wait"))
					query.Del("wait")
					query.Del("fingerprint")
				}
				r.Out.URL.RawQuery = query.Encode()
			}})
			const requests = 40
			used := w.does(t, older, command(t, w.mount+"/creds/gh", harness.Listen(t, w)+"/api/v3/user", requests))
			assert.Len(t, used, requests)
			assert.Positive(t, asked.Load())
			assert.LessOrEqual(t, asked.Load(), int64(15), "about once in a second")
		})
	}
}

// limits is an upstream that limits the token in use at the third request, for a second, and
// the next token for long, once the news of that one had time to arrive.
type limits struct {
	*pool
	heard chan struct{} // closed when the news may go to the worker

	mu          sync.Mutex
	first, next string // what the Authorization headers were
	requests    int
	refused     bool // the next token is limited
	again       int  // how often it was sent all the same
}

func (l *limits) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	limited := func(left time.Duration) {
		answer.Header().Set("X-Ratelimit-Remaining", "0")
		answer.Header().Set("X-Ratelimit-Resource", "core")
		answer.Header().Set("X-Ratelimit-Reset", strconv.FormatInt(time.Now().Add(left).Unix()+1, 10))
		answer.WriteHeader(http.StatusTooManyRequests)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	token := r.Header.Get("Authorization")
	l.requests++
	switch {
	case l.first == "":
		l.first = token
	case token != l.first && !l.refused:
		l.next, l.refused = token, true
		close(l.heard)
		time.Sleep(3 * time.Second) // the news comes, and the first token may be used again
		limited(time.Hour)
		return
	case token == l.next:
		l.again++
		limited(time.Hour)
		return
	case l.requests == 3:
		limited(time.Second)
		return
	}
	l.fakes.World.GitHubEnterprise.ServeHTTP(answer, r)
}

// News of a token that the worker has read by itself meanwhile, and that was limited since, do
// not have a worker of examples/ use it again, nor wait for it while there is another.
func TestExamplesHearLateOfATokenThatIsLimited(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	target, err := url.Parse(server.Addr)
	require.NoError(t, err)
	for name, command := range exampleWorkers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &limits{pool: newPool(t, server, "sei-late-"+name), heard: make(chan struct{})}
			harness.Write(t, server.Client(t).Logical(), l.mount+"/config", map[string]any{"creds_ttl": "1h"})
			late := harness.Listen(t, &httputil.ReverseProxy{
				Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
				ModifyResponse: func(answer *http.Response) error {
					if answer.Request.URL.Query().Has("wait") {
						select {
						case <-l.heard:
						case <-answer.Request.Context().Done():
						}
					}
					return nil
				},
			})
			const requests = 8
			w := &work{pool: l.pool}
			assert.Len(t, w.does(t, late, command(t, l.mount+"/creds/gh", harness.Listen(t, l)+"/api/v3/user", requests)), requests)
			l.mu.Lock()
			defer l.mu.Unlock()
			assert.True(t, l.refused, "the next token was used")
			assert.Zero(t, l.again, "a token that is limited is sent again")
			assert.Equal(t, requests+2, l.requests)
		})
	}
}
