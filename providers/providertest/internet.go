package providertest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Internet is an HTTP proxy on loopback behind which host names lead to handlers,
// over TLS with certificates of an authority of its own. Nothing leaves the
// machine: a name without a handler cannot be reached.
type Internet struct {
	ca       *x509.Certificate
	key      *ecdsa.PrivateKey
	proxy    *http.Server
	sites    *http.Server
	listener net.Listener
	tunnels  *tunnels

	mu       sync.Mutex
	handlers map[string]http.Handler
	dialled  []string
}

// NewInternet starts the proxy on a free port of 127.0.0.1. It panics if there is
// none. Close it.
func NewInternet() *Internet {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to cancel
	if err != nil {
		panic("providertest: no port on loopback: " + err.Error())
	}
	in := &Internet{listener: listener, handlers: map[string]http.Handler{}, tunnels: newTunnels()}
	in.makeCA()
	quiet := log.New(io.Discard, "", 0)
	in.proxy = &http.Server{Handler: http.HandlerFunc(in.connect), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	in.sites = &http.Server{Handler: http.HandlerFunc(in.dispatch), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	go func() { _ = in.proxy.Serve(listener) }()
	go func() { _ = in.sites.Serve(in.tunnels) }()
	return in
}

// Handle leads a host name to a handler; "*.example.com" leads all names below.
func (in *Internet) Handle(host string, h http.Handler) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.handlers[strings.ToLower(host)] = h
}

// ProxyURL is the value for an integration's proxy_url.
func (in *Internet) ProxyURL() string { return "http://" + in.listener.Addr().String() }

// CAPEM is the value for an integration's ca_cert.
func (in *Internet) CAPEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: in.ca.Raw}))
}

// Dialled returns the host:port pairs that the proxy was asked for, in order.
func (in *Internet) Dialled() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.dialled)
}

// Close stops the proxy and breaks all connections.
func (in *Internet) Close() {
	_ = in.proxy.Close()
	_ = in.sites.Close()
}

// connect answers CONNECT, and nothing else.
func (in *Internet) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT is served", http.StatusMethodNotAllowed)
		return
	}
	in.mu.Lock()
	in.dialled = append(in.dialled, r.Host)
	in.mu.Unlock()
	if in.Handler(r.Host) == nil {
		http.Error(w, "no such host", http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	in.tunnels.add(tls.Server(&bufferedConn{Conn: conn, r: buffered.Reader}, &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The certificate is the host's, whatever name the client asks for.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return in.certificate(Hostname(r.Host)) },
	}))
}

// bufferedConn reads first what the proxy's HTTP server has read already.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// Handler returns what serves a host, nil if nothing does. A port is of no account.
func (in *Internet) Handler(hostport string) http.Handler {
	host := strings.ToLower(Hostname(hostport))
	in.mu.Lock()
	defer in.mu.Unlock()
	if h, ok := in.handlers[host]; ok {
		return h
	}
	_, domain, _ := strings.Cut(host, ".")
	return in.handlers["*."+domain]
}

// dispatch serves a request inside a tunnel.
func (in *Internet) dispatch(w http.ResponseWriter, r *http.Request) {
	h := in.Handler(r.Host)
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}

func (in *Internet) makeCA() {
	in.key = Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "providertest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := Must(x509.CreateCertificate(rand.Reader, template, template, &in.key.PublicKey, in.key))
	in.ca = Must(x509.ParseCertificate(der))
}

// certificate makes a certificate for a host.
func (in *Internet) certificate(host string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		DNSNames: []string{host}, NotBefore: in.ca.NotBefore, NotAfter: in.ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, in.ca, &key.PublicKey, in.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Must returns v, and panics if there is an error.
func Must[T any](v T, err error) T {
	if err != nil {
		panic("providertest: " + err.Error())
	}
	return v
}

// Hosts returns the names that lead somewhere.
func (in *Internet) Hosts() map[string]http.Handler {
	in.mu.Lock()
	defer in.mu.Unlock()
	return maps.Clone(in.handlers)
}
