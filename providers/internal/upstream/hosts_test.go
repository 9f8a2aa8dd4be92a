package upstream_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func TestParseAllowedHosts(t *testing.T) {
	good := []string{
		"jira.example.com", "JIRA.example.com.", "*.example.com", "http://jira.example.com", "https://jira.example.com:8443",
		"127.0.0.1", "http://127.0.0.1:8080", "localhost:9000", "[::1]", "[::1]:443", "::1", "http://[fe80::1]:80", " padded.example.com ",
		"xn--bcher-kva.example", "a_b.example.com",
	}
	for _, entry := range good {
		t.Run("accepts "+entry, func(t *testing.T) {
			a, err := upstream.ParseAllowedHosts([]string{entry})
			require.NoError(t, err)
			assert.Equal(t, []string{entry}, a.Entries())
			assert.Equal(t, entry, a.String())
		})
	}
	bad := []string{
		"", " ", "*", "*.", "https://", "ftp://example.com", "://example.com", "example.com/", "https://example.com/path", "example.com?x=1",
		"user@example.com", "https://user:pass@example.com", "example.com:0", "example.com:65536", "example.com:", "example.com:http", "example.com:080",
		"*.127.0.0.1", "a.*.example.com", "**.example.com", "[example.com]", "[127.0.0.1]", "[::1", "[::1]x", "[fe80::1%25eth0]", "fe80::1%eth0",
		"2130706433", "0x7f.1", "127.1", "0177.0.0.1", "1.2.3.4.5", "exam ple.com", "a,b.example.com", "bücher.example", "１２７．０．０．１",
	}
	for _, entry := range bad {
		t.Run("refuses "+entry, func(t *testing.T) {
			_, err := upstream.ParseAllowedHosts([]string{"fine.example.com", entry})
			require.Error(t, err)
			assert.Contains(t, err.Error(), "entry 2 ", "the error names the entry by its place, because it may hold a password")
		})
	}
}

func TestCheckURL(t *testing.T) {
	const fine = upstream.Kind(0)
	cases := []struct {
		name    string
		entries []string
		url     string
		want    upstream.Kind
	}{
		{"a name is judged when it is dialled", nil, "https://anything.example.com/path?x=1", fine},
		{"a public address is fine", nil, "https://192.0.2.7", fine},
		{"a private address is fine", nil, "https://10.1.2.3:8443", fine},
		{"http is not allowed", nil, "http://jira.example.com", upstream.NotAllowed},
		{"loopback is not allowed", nil, "https://127.0.0.1", upstream.NotAllowed},
		{"all of 127 is loopback", nil, "https://127.9.9.9:8443", upstream.NotAllowed},
		{"localhost is loopback", nil, "https://localhost", upstream.NotAllowed},
		{"names below localhost are loopback", nil, "https://jira.LOCALHOST.:8443", upstream.NotAllowed},
		{"IPv6 loopback is not allowed", nil, "https://[::1]", upstream.NotAllowed},
		{"a mapped address is unmapped", nil, "https://[::ffff:127.0.0.1]", upstream.NotAllowed},
		{"a mapped address in hexadecimal is unmapped", nil, "https://[::ffff:7f00:1]", upstream.NotAllowed},
		{"an address behind NAT64 is judged", nil, "https://[64:ff9b::7f00:1]", upstream.NotAllowed},
		{"a public address behind NAT64 is fine", nil, "https://[64:ff9b::c000:207]", fine},
		{"a 6to4 address is judged", nil, "https://[2002:7f00:1::1]", upstream.NotAllowed},
		{"a compatible address is judged", nil, "https://[::127.0.0.1]", upstream.NotAllowed},
		{"the metadata service is link-local", nil, "https://169.254.169.254/latest", upstream.NotAllowed},
		{"that of Amazon by IPv6 is none", nil, "https://[fd00:ec2::254]", upstream.NotAllowed},
		{"the agent of Amazon's pods is none", nil, "https://[fd00:ec2::23]", upstream.NotAllowed},
		{"that of Google by IPv6 is none", nil, "https://[fd20:ce::254]", upstream.NotAllowed},
		{"that of Alibaba is none", nil, "https://100.100.100.200", upstream.NotAllowed},
		{"that of Alibaba by IPv6 is none", nil, "https://[fd00:100::100:200]", upstream.NotAllowed},
		{"that of Azure is none", nil, "https://168.63.129.16:32526", upstream.NotAllowed},
		{"that of Oracle is none", nil, "https://192.0.0.192", upstream.NotAllowed},
		{"that of Oracle by IPv6 is none", nil, "https://[fd00:c1::a9fe:a9fe]", upstream.NotAllowed},
		{"that of Akamai is none", nil, "https://[fd00:a9fe:a9fe::1]", upstream.NotAllowed},
		{"that of Scaleway is none", nil, "https://[fd00:42::42]", upstream.NotAllowed},
		{"one that is mapped to IPv6", nil, "https://[::ffff:168.63.129.16]", upstream.NotAllowed},
		{"one behind NAT64", nil, "https://[64:ff9b::a83f:8110]", upstream.NotAllowed},
		{"one behind 6to4", nil, "https://[2002:6464:64c8::1]", upstream.NotAllowed},
		{"one behind Teredo", nil, "https://[2001:0:1:2:3:4:57c0:7eef]", upstream.NotAllowed},
		{"one behind ISATAP", nil, "https://[2001:db8::5efe:c000:c0]", upstream.NotAllowed},
		{"one behind a public ISATAP", nil, "https://[2001:db8::200:5efe:c000:c0]", upstream.NotAllowed},
		{"its neighbours are ordinary", nil, "https://168.63.129.17", fine},
		{"a unique local address is ordinary", nil, "https://[fd00:abc::254]", fine},
		{"a listed one is fine", []string{"168.63.129.16"}, "https://168.63.129.16", fine},
		{"another listed one is not", []string{"168.63.129.17"}, "https://168.63.129.16", upstream.NotAllowed},
		{"IPv6 link-local is not allowed", nil, "https://[fe80::1]", upstream.NotAllowed},
		{"a zone is not allowed", nil, "https://[fe80::1%25eth0]", upstream.NotAllowed},
		{"unspecified is not allowed", nil, "https://0.0.0.0", upstream.NotAllowed},
		{"all of 0 is unspecified", nil, "https://0.1.2.3", upstream.NotAllowed},
		{"IPv6 unspecified is not allowed", nil, "https://[::]", upstream.NotAllowed},
		{"multicast is not allowed", nil, "https://224.0.0.1", upstream.NotAllowed},
		{"IPv6 multicast is not allowed", nil, "https://[ff02::1]", upstream.NotAllowed},
		{"a decimal address is not allowed", nil, "https://2130706433", upstream.NotAllowed},
		{"a hexadecimal address is not allowed", nil, "https://0x7f000001", upstream.NotAllowed},
		{"a mixed address is not allowed", nil, "https://0x7f.1", upstream.NotAllowed},
		{"an octal address is not allowed", nil, "https://0177.0.0.1", upstream.NotAllowed},
		{"a short address is not allowed", nil, "https://127.1", upstream.NotAllowed},
		{"a dot at the end hides nothing", nil, "https://127.0.0.1.", upstream.NotAllowed},
		{"full-width digits hide nothing", nil, "https://１２７．０．０．１", upstream.InvalidURL},
		{"letters beyond ASCII have another form", nil, "https://bücher.example", upstream.InvalidURL},
		{"a letter whose small form is of ASCII hides nothing", nil, "https://b\u0130tbucket.org", upstream.InvalidURL},
		{"nor does the Kelvin sign", nil, "https://BITBUC\u212aET.org", upstream.InvalidURL},
		{"nor in a path", nil, "https://bitbucket.org/\u0130", upstream.InvalidURL},
		{"nothing is percent-encoded in a host", nil, "https://b%C4%B0tbucket.org", upstream.InvalidURL},
		{"a backslash is a slash to others", nil, `https://evil.example.com\@bitbucket.org`, upstream.InvalidURL},
		{"brackets are for IPv6", nil, "https://[bitbucket.org]", upstream.InvalidURL},
		{"brackets are not for IPv4", nil, "https://[192.0.2.7]", upstream.InvalidURL},
		{"a host has no other signs", nil, "https://bitbucket.org'", upstream.InvalidURL},
		{"a password has no place", nil, "https://user:hunter2@jira.example.com", upstream.InvalidURL},
		{"another scheme cannot be called", nil, "file:///etc/passwd", upstream.InvalidURL},
		{"no scheme cannot be called", nil, "jira.example.com", upstream.InvalidURL},
		{"no host cannot be called", nil, "https:///path", upstream.InvalidURL},
		{"nothing cannot be called", nil, "", upstream.InvalidURL},
		{"rubbish cannot be called", nil, "https://%zz", upstream.InvalidURL},

		{"with entries a name is still judged when it is dialled", []string{"a.example.com"}, "https://b.example.com", fine},
		{"with entries http must be listed", []string{"a.example.com"}, "http://a.example.com", upstream.NotAllowed},
		{"listed http is fine", []string{"http://a.example.com"}, "http://a.example.com:8080", fine},
		{"http to another name is not", []string{"http://a.example.com"}, "http://b.example.com", upstream.NotAllowed},
		{"http to another port is not", []string{"http://a.example.com:8080"}, "http://a.example.com", upstream.NotAllowed},
		{"with entries an address must be listed", []string{"a.example.com"}, "https://192.0.2.7", upstream.NotAllowed},
		{"a listed address is fine", []string{"192.0.2.7"}, "https://192.0.2.7", fine},
		{"a listed loopback address is fine", []string{"http://127.0.0.1:8200"}, "http://127.0.0.1:8200", fine},
		{"only that address is", []string{"127.0.0.1"}, "https://127.0.0.2", upstream.NotAllowed},
		{"only that port is", []string{"127.0.0.1:8200"}, "https://127.0.0.1:8201", upstream.NotAllowed},
		{"a mapped address is the listed one", []string{"127.0.0.1"}, "https://[::ffff:127.0.0.1]", fine},
		{"listed localhost is fine", []string{"http://localhost"}, "http://LocalHost:8200", fine},
		{"localhost is not 127.0.0.1", []string{"localhost"}, "https://127.0.0.1", upstream.NotAllowed},
		{"a wildcard never names localhost", []string{"*.localhost"}, "https://a.localhost", upstream.NotAllowed},
		{"the default port is 443", []string{"192.0.2.7:443"}, "https://192.0.2.7", fine},
		{"IPv6 in brackets is fine", []string{"[2001:db8::1]:8443"}, "https://[2001:DB8:0::1]:8443", fine},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			allowed, err := upstream.ParseAllowedHosts(c.entries)
			require.NoError(t, err)
			assert.Equal(t, c.want, kindOf(allowed.CheckURL(c.url)))
		})
	}
}

func TestCheckURLNeverQuotesAPassword(t *testing.T) {
	for _, raw := range []string{"https://user:hunter2@127.0.0.1", "ftp://user:hunter2@x", "https://x/?hunter2", "https://user:hunter2@%zz"} {
		if err := (upstream.AllowedHosts{}).CheckURL(raw); err != nil {
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
}

// kindOf returns 0 for no error.
func kindOf(err error) upstream.Kind {
	var e *upstream.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if err != nil {
		return upstream.Kind(255)
	}
	return 0
}

func FuzzAllowedHosts(f *testing.F) {
	seeds := []string{"example.com", "*.example.com", "http://127.0.0.1:80", "[::1]:443", "localhost", "2130706433", "a:b:c", "*.*", "https://"}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		f.Add(s, "https://"+s)
	}
	f.Fuzz(func(t *testing.T, entry, raw string) {
		allowed, err := upstream.ParseAllowedHosts([]string{entry})
		if err != nil {
			return
		}
		again, err := upstream.ParseAllowedHosts(allowed.Entries())
		require.NoError(t, err, "what was accepted is accepted again")
		assert.Equal(t, kindOf(allowed.CheckURL(raw)), kindOf(again.CheckURL(raw)))
		if strings.HasPrefix(raw, "http://") && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(entry)), "http://") {
			assert.Error(t, allowed.CheckURL(raw), "only an http entry allows http")
		}
	})
}
