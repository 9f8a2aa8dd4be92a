package catalog_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers/github/githubtest"
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
		return int64(m.HeapAlloc)
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
				fake := githubtest.NewGitHub()
				fake.Behave(fault)
				s := httptest.NewUnstartedServer(fake)
				s.Config.ErrorLog = log.New(io.Discard, "", 0)
				m := &meter{Listener: s.Listener}
				s.Listener = m
				s.StartTLS()
				defer s.Close()
				allowed, err := upstream.ParseAllowedHosts([]string{s.Listener.Addr().String()})
				require.NoError(t, err)
				ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
				route := upstream.Route{CACert: string(ca), AllowedHosts: allowed}
				c := upstream.New("1")
				defer c.Close()
				ctx, cancel := context.WithTimeout(t.Context(), hostileLimit)
				defer cancel()

				var res *upstream.Response
				request := upstream.Request{Method: http.MethodGet, URL: s.URL + "/user?token=" + token, ReadOnly: true}
				began := time.Now()
				heap := peak(func() { res, err = c.Do(ctx, route, request) })
				took := time.Since(began)

				assert.Less(t, took, hostileLimit+hostileSlack)
				assert.Less(t, heap, int64(hostileHeap), "of heap")
				assert.Less(t, m.wire.Load(), int64(hostileWire), "bytes")
				if err != nil {
					assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), token)
				} else {
					assert.LessOrEqual(t, len(res.Body), 1<<20)
				}
				t.Logf("%v, %d KiB of heap, %d KiB of wire: %v", took.Round(time.Millisecond), heap>>10, m.wire.Load()>>10, err)
			}()
			goleak.VerifyNone(t, before)
		})
	}
}
