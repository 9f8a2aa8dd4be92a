package sei

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers/jira/jiratest"
)

// open are the connections to an upstream.
type open struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	most  int
}

func (o *open) note(conn net.Conn, state http.ConnState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conns == nil {
		o.conns = map[net.Conn]bool{}
	}
	if state == http.StateClosed {
		delete(o.conns, conn)
		return
	}
	o.conns[conn] = true
	o.most = max(o.most, len(o.conns))
}

func (o *open) count() (now, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.conns), o.most
}

// counted serves a fake on loopback and counts its connections.
func counted(t *testing.T, handler http.Handler) (*open, *httptest.Server) {
	t.Helper()
	conns := &open{}
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = conns.note
	server.Start()
	return conns, server
}

// files counts the open files of this process, sockets among them; -1 where the system
// does not tell.
func files() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// An engine that was made by Factory, that did all that it can, and whose end comes in
// the middle of checks, sweeps, refreshes and requests to an upstream that does not
// answer, leaves no goroutine, no connection and no file.
func TestNothingIsLeftAfterClean(t *testing.T) {
	leaks, before := goleak.IgnoreCurrent(), files()
	func() {
		m := withOAuth(t)
		defer m.world.Close()
		jira := jiratest.NewJira(jiratest.JiraOptions{})
		jira.AddAPIToken(email, "key-1")
		conns, server := counted(t, jira)
		defer server.Close()
		stuck := make(chan struct{}, 64)
		hanging, silent := counted(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			stuck <- struct{}{}
			<-r.Context().Done()
		}))
		defer silent.Close()

		b, err := Factory(t.Context(), &logical.BackendConfig{StorageView: m.storage, System: &logical.StaticSystemView{}})
		require.NoError(t, err)
		m.clean(t.Context())
		e, ok := b.(*engine)
		require.True(t, ok)
		m.engine = e
		m.busy(t, server.URL, silent.URL)
		require.NoError(t, e.initialize(t.Context(), nil))
		require.NoError(t, e.initialize(t.Context(), nil), "twice is once")

		var requests sync.WaitGroup
		ctx, hangUp := context.WithCancel(context.Background())
		for range 3 {
			requests.Go(func() {
				_, _ = e.HandleRequest(ctx, &logical.Request{Operation: logical.UpdateOperation, Path: "validate/silent", Storage: m.storage, Data: body{"email": email, "api_key": "key-1"}})
			})
		}
		for range 3 {
			<-stuck
		}
		var ends sync.WaitGroup
		for range 2 { // twice, at once, and in the middle of requests
			ends.Go(func() { e.Cleanup(context.Background()) })
		}
		ends.Wait()
		hangUp()
		requests.Wait()
		e.Cleanup(context.Background())
		for name, o := range map[string]*open{"that answers": conns, "that hangs": hanging} {
			_, most := o.count()
			assert.Positive(t, most, "an upstream %s was called", name)
			assert.Eventually(t, func() bool { now, _ := o.count(); return now == 0 }, 30*time.Second, 10*time.Millisecond, "connections to an upstream %s are left", name)
		}
		_, err = e.HandleRequest(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "validate/jira", Storage: m.storage, Data: body{"email": email, "api_key": "key-1"}})
		require.Error(t, err, "nothing is sent any more")
		now, _ := conns.count()
		assert.Zero(t, now)
	}()
	goleak.VerifyNone(t, leaks)
	if before >= 0 {
		assert.Eventually(t, func() bool { return files() <= before }, 30*time.Second, 10*time.Millisecond, "files are left: %d before", before)
	}
}

// busy uses every kind of path, so that there is something to leave behind.
func (m *oauthMount) busy(t *testing.T, jira, silent string) {
	t.Helper()
	through := body{"proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()}
	m.world.GitHub.AddClassic("one", "ghp_of_one", "repo", "read:org")
	m.world.GitHub.AddClassic("two", "ghp_of_two", "repo", "read:org")
	m.write(t, "config", body{"allowed_hosts": append(m.world.AllowedHosts(), "http://127.0.0.1"), "request_timeout": 60})
	m.write(t, "integrations/gh", body{"provider": "github", "proxy_url": through["proxy_url"], "ca_cert": through["ca_cert"]})
	m.write(t, "reauth/gh", body{"pat": []any{"ghp_of_one", "ghp_of_two"}})
	m.write(t, "creds/gh/report", body{"fingerprint": m.read(t, "creds/gh")["fingerprint"], "status_code": 401})
	m.write(t, "integrations/jira", body{"provider": "jira", "auth_type": "api_key", "url": jira, "health_check_interval": 1})
	m.write(t, "integrations/silent", body{"provider": "jira", "auth_type": "api_key", "url": silent})
	m.write(t, "validate/jira", body{"email": email, "api_key": "key-1"})
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
	m.visit(t, m.consent(t), 200)
	m.write(t, "rotate/bb", nil)
	for _, path := range []string{"creds/bb", "creds/jira", "health/gh", "history/bb", "status", "config", "reauth/gh", "providers/jira", "integrations/bb"} {
		m.read(t, path)
	}
	for _, name := range []string{"gh", "jira", "bb"} {
		m.write(t, "health/"+name, nil)
	}
	for _, path := range []string{"health/", "integrations/", "providers/"} {
		m.ok(t, logical.ListOperation, path, nil)
	}
	require.NoError(t, m.periodic(t.Context(), nil))
	m.ok(t, logical.DeleteOperation, "creds/gh", nil)
	m.ok(t, logical.DeleteOperation, "integrations/gh", nil)
}
