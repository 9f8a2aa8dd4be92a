package upstream_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

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
