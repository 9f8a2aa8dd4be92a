package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Upstream is a GitHub that knows every token and answers at once, or after a delay. It
// listens on several ports of loopback, which are as many hosts to the engine. The
// fakes of providertest behave as the vendors do, and log what comes; this one is there
// to cost little.
type Upstream struct {
	addresses []string
	servers   []*http.Server
	delay     atomic.Int64

	mu   sync.Mutex
	seen map[string]bool
}

// NewUpstream starts one with so many hosts. Close it.
func NewUpstream(ctx context.Context, hosts int) (*Upstream, error) {
	u := &Upstream{}
	var config net.ListenConfig
	for range hosts {
		listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			u.Close()
			return nil, err
		}
		server := &http.Server{Handler: u, ReadHeaderTimeout: time.Minute}
		u.addresses = append(u.addresses, "http://"+listener.Addr().String())
		u.servers = append(u.servers, server)
		go func() { _ = server.Serve(listener) }()
	}
	return u, nil
}

// Close ends it.
func (u *Upstream) Close() {
	for _, server := range u.servers {
		_ = server.Close()
	}
}

// Address is that of host n of all, counted on from the last to the first again.
func (u *Upstream) Address(n int) string { return u.addresses[n%len(u.addresses)] }

// SetDelay makes answers take so long from now on.
func (u *Upstream) SetDelay(d time.Duration) { u.delay.Store(int64(d)) }

// Count forgets which tokens came, and notes those that come from now on.
func (u *Upstream) Count() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen = map[string]bool{}
}

// Counted is how many different tokens were answered since Count.
func (u *Upstream) Counted() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.seen)
}

// ServeHTTP answers GET /user. The account follows from the token: ACCOUNT_ANYTHING
// after its prefix.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	account, _, _ := strings.Cut(strings.TrimPrefix(token, tokenPrefix), "_")
	if account == "" || !strings.HasSuffix(r.URL.Path, "/user") {
		http.Error(w, "{}", http.StatusNotFound)
		return
	}
	if delay := time.Duration(u.delay.Load()); delay > 0 {
		time.Sleep(delay)
	}
	id := fnv.New32a()
	_, _ = io.WriteString(id, account)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Oauth-Scopes", "repo, read:org")
	_, _ = fmt.Fprintf(w, `{"login":%q,"id":%d,"email":null}`, account, id.Sum32()) //nolint:gosec // JSON for the engine, no page
	u.count(token)
}

func (u *Upstream) count(token string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.seen != nil {
		u.seen[token] = true
	}
}

const tokenPrefix = "ghp_"

// Token is the nth token of an account, in the form and length of GitHub's.
func Token(account string, n int) string { return fmt.Sprintf("%s%s_%027d", tokenPrefix, account, n) }
