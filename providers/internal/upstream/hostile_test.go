package upstream_test

import (
	"context"
	"net"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers/internal/upstream"
	"vault-plugin-secrets-sei/providers/providertest"
)

// What one request to an upstream that misbehaves may cost at most. The wire is
// counted where the server writes, and so holds what was under way in the sockets; the
// heap holds the server's part, which for some is 16 MiB.
const (
	hostileLimit = 500 * time.Millisecond // of the request
	hostileSlack = 5 * time.Second        // a busy machine's
	hostileHeap  = 24 << 20
	hostileWire  = 24 << 20
)

// meter counts what a server writes.
type meter struct {
	net.Listener
	wire atomic.Int64
}

type meteredConn struct {
	net.Conn
	wire *atomic.Int64
}

func (m *meter) Accept() (net.Conn, error) {
	c, err := m.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(64 << 10)
	}
	return meteredConn{c, &m.wire}, err
}

func (c meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.Add(int64(n))
	return n, err
}

// peak runs do and returns how much the heap grew at most.
func peak(do func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	runtime.GC()
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc) //nolint:gosec // far below
	}
	before, most := heap(), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most = max(most, heap()-before)
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	do()
	close(stop)
	<-done
	return most
}

// TestHostileAnswersAreBounded tries every fault that the fakes know, and measures.
func TestHostileAnswersAreBounded(t *testing.T) {
	for _, name := range providertest.FaultNames() {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			fault, _ := providertest.NamedFault(name, "https://elsewhere.example.com")
			func() {
				fake := providertest.NewGitHub()
				fake.Behave(fault)
				var m *meter
				s := newSite(t, fake.ServeHTTP, func(srv *httptest.Server) {
					m = &meter{Listener: srv.Listener}
					srv.Listener = m
				})
				defer s.Close()
				c := upstream.New("1")
				defer c.Close()
				ctx, cancel := context.WithTimeout(t.Context(), hostileLimit)
				defer cancel()

				var res *upstream.Response
				var err error
				began := time.Now()
				heap := peak(func() { res, err = c.Do(ctx, s.route, get(s.URL+"/user?token="+secret)) })
				took := time.Since(began)

				assert.Less(t, took, hostileLimit+hostileSlack)
				assert.Less(t, heap, int64(hostileHeap), "of heap")
				assert.Less(t, m.wire.Load(), int64(hostileWire), "bytes")
				if err != nil {
					failsWith(t, err, kindOf(err))
				} else {
					assert.LessOrEqual(t, len(res.Body), 1<<20)
				}
				t.Logf("%v, %d KiB of heap, %d KiB of wire: %v", took.Round(time.Millisecond), heap>>10, m.wire.Load()>>10, err)
			}()
			goleak.VerifyNone(t, before)
		})
	}
}

// Where a server can stop in the making of a connection.
func TestNothingIsLeftOfAConnectionThatWasNeverMade(t *testing.T) {
	for name, c := range map[string]struct {
		says  string
		proxy bool
	}{
		"a server that never begins a handshake":    {"", false},
		"a server that begins a handshake only":     {"\x16\x03\x03\x40\x00\x02", false},
		"a proxy that never answers":                {"", true},
		"a proxy that begins an answer only":        {"HTTP/1.1 200 OK\r\nX-", true},
		"a proxy that leads nowhere":                {"HTTP/1.1 200 OK\r\n\r\n", true},
		"a proxy whose answer has a header too big": {"HTTP/1.1 200 OK\r\nX-: " + block(100_000), true},
	} {
		t.Run(name, func(t *testing.T) {
			address, open := mute(t, c.says)
			before := goleak.IgnoreCurrent()
			func() {
				client := upstream.New("1")
				defer client.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				defer cancel()
				route, target := upstream.Route{AllowedHosts: allow(t, "127.0.0.1", "jira.example.com")}, "https://"+address
				if c.proxy {
					route.ProxyURL, target = "http://"+address, "https://jira.example.com"
				}
				_, err := client.Do(ctx, route, get(target))
				assert.Contains(t, []upstream.Kind{upstream.Timeout, upstream.Reset, upstream.TooLarge}, kindOf(err), "%v", err)
				require.Eventually(t, func() bool { return open.Load() == 0 }, 10*time.Second, 5*time.Millisecond, "the connection is closed")
			}()
			goleak.VerifyNone(t, before)
		})
	}
}

func block(n int) string { return string(make([]byte, n)) }

// mute is a server that says something to everybody and then nothing more.
func mute(t *testing.T, says string) (address string, open *atomic.Int64) {
	t.Helper()
	open = new(atomic.Int64)
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(conn net.Conn) {
		defer open.Add(-1)
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write([]byte(says))
		_, _ = conn.Read(make([]byte, 1<<10))
		for {
			if _, err := conn.Read(make([]byte, 1<<10)); err != nil {
				return
			}
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go serve(conn)
		}
	}()
	return listener.Addr().String(), open
}
