package upstream_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// resolveTo makes every name of this test resolve to the next of addresses, and
// to the last one for ever after. Each may be several, separated by spaces.
func resolveTo(t *testing.T, addresses ...string) {
	t.Helper()
	var config net.ListenConfig
	server, err := config.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	var asked atomic.Int64
	go func() {
		packet := make([]byte, 512)
		for {
			n, client, err := server.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(dnsAnswer(packet[:n], &asked, addresses), client)
		}
	}()
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = server.Close()
	})
}

// dnsAnswer answers a question for an A record with those of the next addresses that
// are IPv4, one for an AAAA record with the others, and any other question with
// nothing.
func dnsAnswer(question []byte, asked *atomic.Int64, addresses []string) []byte {
	const header, typeA, typeAAAA = 12, 1, 28
	end := header
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root label, type and class
	answer := append([]byte(nil), question[:end]...)
	answer[2], answer[3] = 0x81, 0x80 // a response, recursion available
	clear(answer[6:header])           // no answer yet
	kind := binary.BigEndian.Uint16(question[end-4:])
	if kind == typeA {
		asked.Add(1)
	}
	i := min(max(int(asked.Load()), 1), len(addresses)) - 1
	for _, text := range strings.Fields(addresses[i]) {
		ip := netip.MustParseAddr(text)
		if ip.Is4() && kind == typeA || !ip.Is4() && kind == typeAAAA {
			answer[7]++
			answer = append(answer, 0xc0, header, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(ip.AsSlice())))
			answer = append(answer, ip.AsSlice()...)
		}
	}
	return answer
}

func allow(t *testing.T, entries ...string) upstream.AllowedHosts {
	t.Helper()
	a, err := upstream.ParseAllowedHosts(entries)
	require.NoError(t, err)
	return a
}

func newClient(t *testing.T) *upstream.Client {
	t.Helper()
	c := upstream.New("1.2.3")
	t.Cleanup(c.Close)
	return c
}

func get(url string) upstream.Request {
	return upstream.Request{Method: http.MethodGet, URL: url, ReadOnly: true}
}

// counting is a server that counts its connections.
func counting(t *testing.T) (port string, connections *atomic.Int64) {
	t.Helper()
	connections = new(atomic.Int64)
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	return port, connections
}

func TestDialJudgesWhatANameResolvesTo(t *testing.T) {
	port, connections := counting(t)
	cases := []struct {
		name    string
		entries []string
	}{
		{"by default", nil},
		{"where the name is listed", []string{"rebind.example.com"}},
		{"where the name is listed with its port", []string{"rebind.example.com:" + port}},
		{"where a wildcard lists it", []string{"*.example.com"}},
		{"where the address is listed, but not for this name", []string{"rebind.example.com", "127.0.0.1"}},
		{"where localhost is listed, but not for this name", []string{"rebind.example.com", "localhost"}},
	}
	for _, c := range cases {
		t.Run("a name that resolves to loopback is refused "+c.name, func(t *testing.T) {
			resolveTo(t, "127.0.0.1")
			route := upstream.Route{AllowedHosts: allow(t, c.entries...)}
			_, err := newClient(t).Do(t.Context(), route, get("https://rebind.example.com:"+port))
			assert.Equal(t, upstream.NotAllowed, kindOf(err))
			assert.Zero(t, connections.Load())
		})
	}
	t.Run("a name that changes its address is refused when it does", func(t *testing.T) {
		resolveTo(t, "127.0.0.1")
		allowed := allow(t)
		require.NoError(t, allowed.CheckURL("https://rebind.example.com:"+port), "when configured, a name is only a name")
		_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allowed}, get("https://rebind.example.com:"+port))
		assert.Equal(t, upstream.NotAllowed, kindOf(err))
	})
	t.Run("a name that resolves to the metadata service is refused", func(t *testing.T) {
		resolveTo(t, "169.254.169.254")
		_, err := newClient(t).Do(t.Context(), upstream.Route{}, get("https://rebind.example.com"))
		assert.Equal(t, upstream.NotAllowed, kindOf(err))
	})
	t.Run("a name that is not listed is refused without looking it up", func(t *testing.T) {
		_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, "a.example.com", "*.b.example.com")}, get("https://b.example.com"))
		assert.Equal(t, upstream.NotAllowed, kindOf(err))
	})
	t.Run("a listed address is called", func(t *testing.T) {
		res, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, "http://127.0.0.1:"+port)}, get("http://127.0.0.1:"+port))
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, res.Status)
	})
	t.Run("listed localhost is called", func(t *testing.T) {
		_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, "http://localhost")}, get("http://localhost:"+port))
		require.NoError(t, err)
	})
}

func TestDialThroughAProxy(t *testing.T) {
	port, connections := counting(t)
	proxy := "http://127.0.0.1:" + port
	do := func(t *testing.T, route upstream.Route, target string) error {
		t.Helper()
		_, err := newClient(t).Do(t.Context(), route, get(target))
		return err
	}
	refusals := []struct {
		name, proxy, target string
		entries             []string
	}{
		{"a proxy on loopback", proxy, "https://jira.example.com", nil},
		{"a proxy on localhost", "http://localhost:" + port, "https://jira.example.com", nil},
		{"a proxy that is not listed", proxy, "https://jira.example.com", []string{"jira.example.com"}},
		{"a proxy whose name is not listed", "http://proxy.example.invalid:" + port, "https://jira.example.com", []string{"jira.example.com"}},
		{"a proxy whose port is not listed", proxy, "https://jira.example.com", []string{"jira.example.com", "127.0.0.1:1"}},
		{"a target that is not listed", proxy, "https://jira.example.com", []string{"127.0.0.1"}},
		{"a target on loopback", proxy, "https://127.0.0.2", []string{"127.0.0.1"}},
		{"a target by http", proxy, "http://jira.example.com", []string{"127.0.0.1", "jira.example.com"}},
		{"localhost by a wildcard", proxy, "https://a.localhost", []string{"127.0.0.1", "*.localhost"}},
		{"a decimal address", proxy, "https://2130706433", []string{"127.0.0.1"}},
	}
	for _, c := range refusals {
		t.Run("refuses "+c.name, func(t *testing.T) {
			err := do(t, upstream.Route{ProxyURL: c.proxy, AllowedHosts: allow(t, c.entries...)}, c.target)
			assert.Equal(t, upstream.NotAllowed, kindOf(err))
			assert.Zero(t, connections.Load())
		})
	}
	t.Run("a proxy name that resolves to loopback is refused", func(t *testing.T) {
		resolveTo(t, "127.0.0.1")
		err := do(t, upstream.Route{ProxyURL: "http://proxy.example.com:" + port}, "https://jira.example.com")
		assert.Equal(t, upstream.NotAllowed, kindOf(err))
		assert.Equal(t, "proxy_url", fieldOf(err))
		assert.Zero(t, connections.Load())
	})
	t.Run("a proxy that refuses is told by its status only", func(t *testing.T) {
		err := do(t, upstream.Route{ProxyURL: proxy, AllowedHosts: allow(t, "127.0.0.1", "jira.example.com")}, "https://jira.example.com")
		assert.Equal(t, upstream.Proxy, kindOf(err))
		assert.ErrorContains(t, err, "HTTP 404")
	})
	t.Run("a proxy that is gone is told", func(t *testing.T) {
		err := do(t, upstream.Route{ProxyURL: "http://127.0.0.1:1", AllowedHosts: allow(t, "127.0.0.1", "jira.example.com")}, "https://jira.example.com")
		assert.Equal(t, upstream.Refused, kindOf(err))
		assert.Equal(t, "proxy_url", fieldOf(err))
	})
	t.Run("the environment's proxy is not used", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", proxy)
		t.Setenv("HTTP_PROXY", proxy)
		before := connections.Load()
		resolveTo(t, "127.0.0.1")
		assert.Equal(t, upstream.NotAllowed, kindOf(do(t, upstream.Route{}, "https://jira.example.com")))
		assert.Equal(t, before, connections.Load())
	})
}

func TestRouteCheck(t *testing.T) {
	cases := []struct {
		name  string
		route upstream.Route
		kind  upstream.Kind
		field string
	}{
		{"nothing set", upstream.Route{}, 0, ""},
		{"white space is no certificate", upstream.Route{CACert: " \n"}, 0, ""},
		{"rubbish is no certificate", upstream.Route{CACert: "rubbish"}, upstream.InvalidRoute, "ca_cert"},
		{"a proxy by name", upstream.Route{ProxyURL: "http://proxy.example.com:3128"}, 0, ""},
		{"a proxy with a password", upstream.Route{ProxyURL: "http://u:p@proxy.example.com"}, upstream.InvalidURL, "proxy_url"},
		{"a SOCKS proxy", upstream.Route{ProxyURL: "socks5://proxy.example.com"}, upstream.InvalidURL, "proxy_url"},
		{"a proxy on loopback", upstream.Route{ProxyURL: "http://127.0.0.1"}, upstream.NotAllowed, "proxy_url"},
		{"a proxy on localhost", upstream.Route{ProxyURL: "http://localhost:3128"}, upstream.NotAllowed, "proxy_url"},
		{"a proxy's name is judged when it is dialled", upstream.Route{ProxyURL: "http://proxy.example.com", AllowedHosts: allow(t, "other.example.com")}, 0, ""},
		{"a proxy's address is judged when it is configured", upstream.Route{ProxyURL: "http://192.0.2.7", AllowedHosts: allow(t, "other.example.com")}, upstream.NotAllowed, "proxy_url"},
		{"an https proxy and a server name", upstream.Route{ProxyURL: "https://proxy.example.com", ServerName: "x"}, upstream.InvalidRoute, "proxy_url"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.route.Check()
			assert.Equal(t, c.kind, kindOf(err))
			assert.Equal(t, c.field, fieldOf(err))
		})
	}
}

func TestNoSuchHost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := newClient(t).Do(ctx, upstream.Route{}, get("https://jira.example.invalid"))
	assert.Contains(t, []upstream.Kind{upstream.NoSuchHost, upstream.Timeout}, kindOf(err))
}

func fieldOf(err error) string {
	var e *upstream.Error
	if ok := asUpstream(err, &e); ok {
		return e.Field
	}
	return ""
}
