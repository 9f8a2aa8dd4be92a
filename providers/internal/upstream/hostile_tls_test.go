package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// authority issues certificates for 127.0.0.1.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

// issue makes a certificate that change makes bad.
func (a *authority) issue(change func(*x509.Certificate)) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: words}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// intermediate is an authority whose certificate this one signs.
func (a *authority) intermediate(change func(*x509.Certificate)) *authority {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "intermediate"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return &authority{t: a.t, cert: cert, key: key}
}

// issueWithChain sends the authority's certificate as well.
func (a *authority) issueWithChain(change func(*x509.Certificate)) tls.Certificate {
	c := a.issue(change)
	c.Certificate = append(c.Certificate, a.cert.Raw)
	return c
}

// selfMade is a certificate that nobody else signed.
func selfMade(t *testing.T) tls.Certificate {
	t.Helper()
	own := newAuthority(t)
	return tls.Certificate{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}
}

// with serves a certificate to whoever trusts the authority.
func (a *authority) with(config *tls.Config) *site {
	s := newSite(a.t, func(http.ResponseWriter, *http.Request) {}, func(srv *httptest.Server) { srv.TLS = config })
	s.route.CACert = pemOf(a.cert.Raw)
	return s
}

func TestHostileCertificates(t *testing.T) {
	a := newAuthority(t)
	fine := func(*x509.Certificate) {}
	for name, test := range map[string]struct {
		cert tls.Certificate
		says string
	}{
		"for another name": {a.issue(func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"evil.example.com"}
		}), "tls_server_name"},
		"with the name in its subject only": {a.issue(func(c *x509.Certificate) {
			c.IPAddresses, c.Subject.CommonName = nil, "127.0.0.1"
		}), "issued again with the host as subjectAltName"},
		"whose only name is an e-mail": {a.issue(func(c *x509.Certificate) {
			c.IPAddresses, c.EmailAddresses = nil, []string{"a@example.com"}
		}), "issued again with the host as subjectAltName"},
		"that has expired":                    {a.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "has expired"},
		"that is not yet valid":               {a.issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "not yet valid"},
		"without the intermediate":            {a.intermediate(func(c *x509.Certificate) {}).issue(fine), "sends no intermediate certificate"},
		"of an intermediate that has expired": {a.intermediate(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }).issueWithChain(fine), "an authority's certificate"},
		"signed by itself":                    {selfMade(t), "signed by itself"},
		"of another authority":                {newAuthority(t).issue(fine), "ca_cert"},
		"for clients only":                    {a.issue(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), "cannot be trusted"},
		"with unknown demands": {a.issue(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}), "trusted"},
		"whose signature is broken": {broken(a.issue(fine)), "127.0.0.1"},
	} {
		t.Run("a certificate "+name+" is refused", func(t *testing.T) {
			s := a.with(&tls.Config{Certificates: []tls.Certificate{test.cert}})
			_, err := s.get(t)
			failsWith(t, err, upstream.TLS, test.says)
			assert.Zero(t, s.hits.Load(), "no request is sent")
		})
	}
	t.Run("a good one is taken", func(t *testing.T) {
		_, err := a.with(&tls.Config{Certificates: []tls.Certificate{a.issue(fine)}}).get(t)
		require.NoError(t, err)
	})
}

// broken changes the last byte of the signature.
func broken(c tls.Certificate) tls.Certificate {
	der := append([]byte(nil), c.Certificate[0]...)
	der[len(der)-1] ^= 1
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.PrivateKey}
}

func TestHostileHandshakes(t *testing.T) {
	a := newAuthority(t)
	cert := []tls.Certificate{a.issue(func(*x509.Certificate) {})}
	for name, test := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"TLS 1.1 only":             {&tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, "1.2"},
		"a client's certificate":   {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, "mutual TLS"},
		"one in TLS 1.2":           {&tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}, "mutual TLS"},
		"a cipher without secrecy": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, "no cipher in common"},
	} {
		t.Run("a server that wants "+name+" gets no request", func(t *testing.T) {
			test.config.Certificates = cert
			s := a.with(test.config)
			_, err := s.get(t)
			failsWith(t, err, upstream.TLS, test.says)
			assert.Zero(t, s.hits.Load())
		})
	}
	t.Run("a server that prefers HTTP/2 is spoken to in HTTP/1.1", func(t *testing.T) {
		var proto string
		s := newSite(t, func(_ http.ResponseWriter, r *http.Request) { proto = r.Proto }, func(srv *httptest.Server) { srv.EnableHTTP2 = true })
		_, err := s.get(t)
		require.NoError(t, err)
		assert.Equal(t, "HTTP/1.1", proto)
	})
}
