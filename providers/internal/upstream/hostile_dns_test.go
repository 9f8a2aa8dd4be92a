package upstream_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// elsewhere is an ordinary address that nothing can be sent to: connecting to it fails
// at once, and on this machine.
const elsewhere = "255.255.255.255"

// TestDialJudgesEveryAddressOfAName answers with several at once, in every order.
func TestDialJudgesEveryAddressOfAName(t *testing.T) {
	port, connections := counting(t)
	for name, addresses := range map[string]string{
		"a public address and loopback":   elsewhere + " 127.0.0.1",
		"loopback and a public address":   "127.0.0.1 " + elsewhere,
		"loopback twice":                  "127.0.0.1 127.0.0.2",
		"metadata and loopback":           "169.254.169.254 127.0.0.1",
		"nothing and loopback":            "0.0.0.0 127.0.0.1",
		"IPv6 loopback":                   "::1",
		"a mapped address":                "::ffff:127.0.0.1",
		"an address behind NAT64":         "64:ff9b::7f00:1",
		"an address behind a local NAT64": "64:ff9b:1::7f00:1",
		"one behind a prefix of 48 bits":  "64:ff9b:1:a9fe:a9:fe00:808:808",
		"one behind a prefix of 56 bits":  "64:ff9b:1:7f:0:1::",
		"one behind a prefix of 64 bits":  "64:ff9b:1:0:a9:fea9:fe00:0",
		"a translated address":            "::ffff:0:7f00:1",
		"a 6to4 address":                  "2002:7f00:1::",
		"a compatible address":            "::127.0.0.1",
		"IPv6 link-local":                 "fe80::1",
	} {
		t.Run(name, func(t *testing.T) {
			resolveTo(t, addresses)
			for _, entries := range [][]string{nil, {"rebind.example.com"}, {"rebind.example.com", "127.0.0.1", "localhost", "[::1]"}} {
				_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, entries...)}, get("https://rebind.example.com:"+port+"/?token="+secret))
				require.Error(t, err)
				assert.Contains(t, []upstream.Kind{upstream.NotAllowed, upstream.Refused, upstream.Reset}, kindOf(err))
			}
			assert.Zero(t, connections.Load(), "nothing on this machine is called")
		})
	}
}

// TestDialRefusesMetadata leads a name to the metadata services that are not link-local:
// they are public or unique local addresses, and nothing else tells them.
func TestDialRefusesMetadata(t *testing.T) {
	for _, address := range []string{
		"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:100::100:200",
		"fd00:c1::a9fe:a9fe", "fd00:a9fe:a9fe::1", "fd00:42::42", "::ffff:100.100.100.200", "64:ff9b::a83f:8110", "2002:c000:c0::1",
	} {
		t.Run(address, func(t *testing.T) {
			resolveTo(t, address)
			for _, entries := range [][]string{nil, {"metadata.example.com"}, {"*.example.com"}} {
				_, err := newClient(t).Do(t.Context(), upstream.Route{AllowedHosts: allow(t, entries...)}, get("https://metadata.example.com/"))
				failsWith(t, err, upstream.NotAllowed, "cloud metadata address")
			}
		})
	}
}

// TestDialJudgesANameEachTime lets a name change its address between two requests of
// one client, and between the check of an address and its use.
func TestDialJudgesANameEachTime(t *testing.T) {
	port, connections := counting(t)
	resolveTo(t, elsewhere, "127.0.0.1")
	c, target := newClient(t), "https://rebind.example.com:"+port
	require.NoError(t, upstream.AllowedHosts{}.CheckCall(target))
	first := get(target)
	first.ReadOnly = false // sent once
	_, err := c.Do(t.Context(), upstream.Route{}, first)
	assert.NotEqual(t, upstream.NotAllowed, kindOf(err), "it is an ordinary address yet")
	_, err = c.Do(t.Context(), upstream.Route{}, first)
	assert.Equal(t, upstream.NotAllowed, kindOf(err))
	assert.Zero(t, connections.Load())
}

// TestHostileURLs are addresses that look like another.
func TestHostileURLs(t *testing.T) {
	port, connections := counting(t)
	resolveTo(t, "127.0.0.1")
	for _, raw := range []string{
		"https://2130706433", "https://0x7f.1", "https://0177.1", "https://127.1", "https://0", "https://127.0.0.1.", "https://127.0.0.1..",
		"https://LOCALHOST", "https://localhost.", "https://a.LocalHost.", "https://[::ffff:127.0.0.1]", "https://[::FFFF:7F00:1]",
		"https://[64:ff9b::7f00:1]", "https://[64:ff9b:1::7f00:1]", "https://[64:ff9b:1:a9fe:a9:fe00:808:808]", "https://[64:ff9b:1:7f00:0:100:808:808]", "https://[64:ff9b:1:7f:0:1::]", "https://[64:ff9b:1:0:7f:0:100:0]", "https://[64:ff9b:1:1234:e0:0:100:1]", "https://[::ffff:0:7f00:1]", "https://[::]", "https://0.0.0.0", "https://[::1%25lo]",
		"https://jira.example.com@127.0.0.1", "https://jira.example.com:x@127.0.0.1", `https://jira.example.com\@127.0.0.1`, `https://127.0.0.1\.jira.example.com`,
		"https://127.0.0.1#.jira.example.com", "https://127.0.0.1?.jira.example.com", "https:127.0.0.1", "https:/127.0.0.1", "//127.0.0.1", "https:///127.0.0.1",
		"https://%31%32%37.0.0.1", "https://127.0.0.1%00.example.com", "https://127。0。0。1", "https://①②⑦.0.0.1", "https://ⓛocalhost", "https://xn--127-.0.0.1",
		"https://jira.example.com:0", "https://jira.example.com:65536", "https://jira.example.com:-1", "https://jira.example.com:0443", "https://jira.example.com:99999999999999999999",
		"gopher://127.0.0.1", "http://jira.example.com", "HTTP://jira.example.com", "https://jira.example.com\r\nHost: x", "https://jira example.com", "https://[127.0.0.1]",
		"https://nip.127.0.0.1.nip.io:" + port,
	} {
		_, err := newClient(t).Do(t.Context(), upstream.Route{}, get(raw))
		assert.Contains(t, []upstream.Kind{upstream.NotAllowed, upstream.InvalidURL}, kindOf(err), "%q: %v", raw, err)
	}
	assert.Zero(t, connections.Load())
}

// TestHostileURLsThroughAProxy are judged before the proxy is asked: it would look
// them up itself.
func TestHostileURLsThroughAProxy(t *testing.T) {
	port, connections := counting(t)
	route := upstream.Route{ProxyURL: "http://127.0.0.1:" + port, AllowedHosts: allow(t, "127.0.0.1:"+port, "*.example.com")}
	for _, raw := range []string{
		"https://2130706433", "https://0x7f.1", "https://localhost", "https://[::1]", "https://169.254.169.254", "https://[::ffff:169.254.169.254]",
		"https://jira.example.com@127.0.0.1", "https://example.com", "https://jira.example.com.evil.test", "https://127.0.0.1", "http://jira.example.com",
	} {
		_, err := newClient(t).Do(t.Context(), route, get(raw))
		assert.Contains(t, []upstream.Kind{upstream.NotAllowed, upstream.InvalidURL}, kindOf(err), "%q: %v", raw, err)
	}
	assert.Zero(t, connections.Load())
}

// TestOnlyTheNamedHostSeesTheCredential looks at what a redirecting server and a
// server of the same address under another name are sent.
func TestOnlyTheNamedHostSeesTheCredential(t *testing.T) {
	other := newSite(t, func(http.ResponseWriter, *http.Request) {})
	for _, location := range []string{other.URL, other.URL + "/?token=" + secret, "//" + other.Listener.Addr().String(), "http://" + other.Listener.Addr().String()} {
		for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
			s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", location)
				w.Header().Set("Refresh", "0; url="+location)
				w.Header().Set("Alt-Svc", `h2="`+other.Listener.Addr().String()+`"`)
				w.WriteHeader(status)
			})
			s.route.AllowedHosts = allow(t, "127.0.0.1", "http://127.0.0.1") // the other one could be called
			c := newClient(t)
			for range 2 {
				req := get(s.URL)
				req.Header = http.Header{"Authorization": {"Bearer " + secret}}
				res, err := c.Do(t.Context(), s.route, req)
				require.NoError(t, err)
				assert.Equal(t, status, res.Status)
			}
			assert.EqualValues(t, 2, s.hits.Load())
		}
	}
	assert.Zero(t, other.hits.Load())
}
