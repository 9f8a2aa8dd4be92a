package harness

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// Fakes are the upstreams of one story: all under their real names behind a proxy,
// and some on plain loopback addresses, too.
type Fakes struct {
	World *catalogtest.World
	URLs  map[string]string // environment variable → address
	// Direct are the same for the test, which goes past the relays where there are some.
	Direct map[string]string
	// other counts the requests at a host that no integration names.
	other atomic.Int64
}

// StartFakes starts the fakes for one test. The secrets that they come to know are searched
// for at the end of the run.
func StartFakes(t testing.TB) *Fakes {
	t.Helper()
	world := catalogtest.NewWorld()
	t.Cleanup(func() {
		world.Close()
		for _, secret := range world.Secrets() {
			evidence.Of(t).Canary(secret.Kind, secret.Value)
		}
	})
	f := &Fakes{World: world}
	other := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { f.other.Add(1) })
	f.URLs = map[string]string{
		"JIRA":    Listen(t, world.Jira),
		"JIRA_DC": Listen(t, world.JiraDataCenter) + "/jira",
		"GITHUB":  Listen(t, world.GitHubEnterprise),
		"OTHER":   Listen(t, other),
		"PROXY":   world.ProxyURL(),
		"GONE":    "http://127.0.0.1:1", // where nothing listens
	}
	f.Direct = maps.Clone(f.URLs)
	return f
}

// StartFakesBehind does so behind relays, through which a server reaches them.
func StartFakesBehind(t testing.TB) (*Fakes, []*Relay) {
	t.Helper()
	f := StartFakes(t)
	var relays []*Relay
	for _, name := range []string{"JIRA", "GITHUB", "PROXY"} {
		to, err := url.Parse(f.URLs[name])
		require.NoError(t, err)
		relay := startRelay(t, to.Host)
		f.URLs[name] = "http://" + relay.listener.Addr().String()
		relays = append(relays, relay)
	}
	return f, relays
}

// Addresses are where the fakes listen.
func (f *Fakes) Addresses() []string {
	var all []string
	for name, text := range f.URLs {
		if parsed, err := url.Parse(text); err == nil && name != "GONE" {
			all = append(all, parsed.Host)
		}
	}
	return all
}

// Elsewhere is how many requests came to the host that no integration names.
func (f *Fakes) Elsewhere() int { return int(f.other.Load()) }

// Listen serves a fake on loopback and returns its address.
func Listen(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	// Not Close, which would wait for answers that a fault holds back.
	t.Cleanup(func() {
		server.CloseClientConnections()
		_ = server.Listener.Close()
	})
	return server.URL
}

// Client reaches the real names through the proxy, and loopback directly.
func (f *Fakes) Client(t testing.TB) *http.Client {
	t.Helper()
	authorities := x509.NewCertPool()
	require.True(t, authorities.AppendCertsFromPEM([]byte(f.World.CAPEM())))
	proxy, err := url.Parse(f.World.ProxyURL())
	require.NoError(t, err)
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities},
		Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.Scheme == "https" {
				return proxy, nil
			}
			return nil, nil //nolint:nilnil // net/http's way to say: directly
		},
	}}
}
