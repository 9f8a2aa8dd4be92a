package upstream_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// The advice is for the setting that is there, and none leads back to the same message.
func TestAdviceForCertificates(t *testing.T) {
	a := newAuthority(t)
	fine := func(*x509.Certificate) {}
	between := a.intermediate(fine)
	for name, test := range map[string]struct {
		cert               tls.Certificate
		caCert, serverName string
		says               string
	}{
		"no intermediate, no ca_cert":    {between.issue(fine), "", "", "let the server send the intermediate"},
		"no intermediate, the root's":    {between.issue(fine), pemOf(a.cert.Raw), "", "let it send the intermediate, or give that in ca_cert, too"},
		"all sent, no ca_cert":           {between.issueWithChain(fine), "", "", "give its certificate as ca_cert"},
		"all sent, another ca_cert":      {between.issueWithChain(fine), pemOf(newAuthority(t).cert.Raw), "", "none of those in ca_cert"},
		"by itself, no ca_cert":          {selfMade(t), "", "", "if it is your own, give it as ca_cert"},
		"by itself, another ca_cert":     {selfMade(t), pemOf(a.cert.Raw), "", "is none of those in ca_cert"},
		"another name than the setting":  {a.issue(fine), pemOf(a.cert.Raw), "other.example.com", "another name than tls_server_name"},
		"no subjectAltName, and a name":  {a.issue(func(c *x509.Certificate) { c.IPAddresses = nil }), pemOf(a.cert.Raw), "127.0.0.1", "issued again"},
		"no subjectAltName, and another": {a.issue(func(c *x509.Certificate) { c.IPAddresses = nil }), pemOf(a.cert.Raw), "x.example.com", "issued again"},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.with(&tls.Config{Certificates: []tls.Certificate{test.cert}})
			s.route.CACert, s.route.ServerName = test.caCert, test.serverName
			_, err := s.get(t)
			failsWith(t, err, upstream.TLS, test.says)
		})
	}
	t.Run("the intermediate in ca_cert is enough", func(t *testing.T) {
		s := a.with(&tls.Config{Certificates: []tls.Certificate{between.issue(fine)}})
		s.route.CACert = pemOf(a.cert.Raw) + pemOf(between.cert.Raw)
		if _, err := s.get(t); err != nil {
			t.Fatal(err)
		}
	})
}

// Mutual TLS is told in whatever way a server refuses, and is no fault where it is not
// demanded.
func TestMutualTLS(t *testing.T) {
	a := newAuthority(t)
	cert := []tls.Certificate{a.issue(func(*x509.Certificate) {})}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := a.with(&tls.Config{Certificates: cert, ClientAuth: tls.RequireAndVerifyClientCert, MaxVersion: version})
		_, err := s.get(t)
		failsWith(t, err, upstream.TLS, "mutual TLS", "client certificate")
		s = a.with(&tls.Config{Certificates: cert, ClientAuth: tls.VerifyClientCertIfGiven, MaxVersion: version})
		if _, err := s.get(t); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("by hanging up", func(t *testing.T) {
		s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, func(srv *httptest.Server) {
			srv.TLS = &tls.Config{Certificates: cert, ClientAuth: tls.RequestClientCert}
		})
		s.route.CACert = pemOf(a.cert.Raw)
		_, err := s.get(t)
		failsWith(t, err, upstream.Reset, "mutual TLS")
	})
	t.Run("by a proxy", func(t *testing.T) {
		s := a.with(&tls.Config{Certificates: cert, ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12})
		s.route.ProxyURL, s.route.AllowedHosts = s.URL, allow(t, "127.0.0.1", "jira.example.com")
		_, err := newClient(t).Do(t.Context(), s.route, get("https://jira.example.com/"))
		failsWith(t, err, upstream.TLS, "the proxy cannot be used", "127.0.0.1", "mutual TLS")
	})
}

func TestHTTPWhereTLSIsSpoken(t *testing.T) {
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write([]byte{0x15, 3, 1, 0, 2, 2, 0x46}) // an alert: this is not the protocol
			_ = conn.Close()
		}
	}()
	route := upstream.Route{AllowedHosts: allow(t, "http://127.0.0.1")}
	_, err = newClient(t).Do(t.Context(), route, get("http://"+listener.Addr().String()))
	failsWith(t, err, upstream.Reset, "must begin with https://")
}
