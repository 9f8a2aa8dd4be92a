package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// maxHeader bounds the header of an answer.
const maxHeader = 64 << 10

// idleTimeout is how long a connection is kept for the next check.
const idleTimeout = 30 * time.Second

// Route is the way to an upstream: whom to trust, through whom to go, and which
// addresses may be called.
type Route struct {
	// CACert holds PEM certificates to trust instead of the system's.
	CACert string
	// ServerName is the name to expect in the certificate; the URL's host where empty.
	ServerName string
	// ProxyURL is an http or https proxy.
	ProxyURL string
	// AllowedHosts is the mount's rule.
	AllowedHosts AllowedHosts
}

// routeKey tells routes apart that need a transport of their own.
type routeKey struct{ caCert, serverName, proxyURL, allowed string }

func (r Route) key() routeKey {
	return routeKey{r.CACert, r.ServerName, r.ProxyURL, r.AllowedHosts.String()}
}

// Check judges what can be judged of a route when it is configured: that the
// certificates can be read, and the form of the server's name and of the proxy's URL. Its error is an
// *Error.
func (r Route) Check() error {
	if _, err := parseCA(r.CACert); err != nil {
		return err
	}
	if _, err := r.serverName(); err != nil {
		return err
	}
	if r.ProxyURL == "" {
		return nil
	}
	if _, err := r.proxy(); err != nil {
		return err
	}
	if err := r.AllowedHosts.CheckProxyURL(r.ProxyURL); err != nil {
		return atField(err, "proxy_url")
	}
	return nil
}

// transport builds what a route needs. It speaks HTTP/1.1 only: a check is two
// or three small requests.
func (r Route) transport() (*http.Transport, *Error) {
	roots, err := parseCA(r.CACert)
	if err != nil {
		return nil, err
	}
	name, err := r.serverName()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		DialContext:            r.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: name, GetClientCertificate: noCertificate},
		Protocols:              new(http.Protocols),
		MaxResponseHeaderBytes: maxHeader,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    4,
		OnProxyConnectResponse: proxyAnswer,
	}
	t.Protocols.SetHTTP1(true)
	if r.ProxyURL == "" {
		return t, nil
	}
	proxy, err := r.proxy()
	if err != nil {
		return nil, err
	}
	if err := r.AllowedHosts.checkProxy(proxy); err != nil {
		err.Field = "proxy_url"
		return nil, err
	}
	t.Proxy = http.ProxyURL(&url.URL{Scheme: proxy.scheme, Host: net.JoinHostPort(proxy.host, proxy.port)})
	return t, nil
}

// proxy reads the proxy's URL.
func (r Route) proxy() (endpoint, *Error) {
	ep, err := parseEndpoint(r.ProxyURL)
	if err != nil {
		err.Field = "proxy_url"
		return endpoint{}, err
	}
	if ep.scheme == "https" && r.ServerName != "" {
		// net/http would expect that name in the proxy's certificate, too.
		return endpoint{}, fieldError(InvalidRoute, "proxy_url", "a proxy that is itself https cannot be combined with tls_server_name")
	}
	return ep, nil
}

// serverName reads the name to expect in the certificate.
func (r Route) serverName() (string, *Error) {
	if r.ServerName == "" {
		return "", nil
	}
	name, _, problem := parseHost(r.ServerName)
	if problem != "" {
		return "", fieldError(InvalidRoute, "tls_server_name", "tls_server_name %s", problem)
	}
	return name, nil
}

// parseCA returns nil, which means the system's certificates, for no text.
func parseCA(pem string) (*x509.CertPool, *Error) {
	if strings.TrimSpace(pem) == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, fieldError(InvalidRoute, "ca_cert", "ca_cert holds no certificate in PEM form")
	}
	return pool, nil
}

// dial connects to the upstream or to the proxy. The rule is applied to the
// address that the name resolved to, right before the connection is made, so a
// name that resolves to something else a moment later gains nothing. It ends with
// the request that asked for it, and so does what follows until there is a
// connection to use.
func (r Route) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, newError(InvalidURL, "", "the address is not an absolute http or https URL")
	}
	end := deadlineOf(ctx)
	d := net.Dialer{Deadline: end, ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return newError(NotAllowed, host, "%q resolves to something that is not an address", host)
		}
		if err := r.AllowedHosts.checkDial(host, port, ip.Addr()); err != nil {
			return err
		}
		return nil
	}}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, r.dialError(ctx, host, err)
	}
	// For the proxy's answer and the handshake; inUse takes it away.
	_ = conn.SetDeadline(end)
	return conn, nil
}

func (r Route) dialError(ctx context.Context, host string, err error) error {
	e := r.classify(ctx, host, err)
	if r.ProxyURL == "" {
		return e
	}
	if e.Kind == NoSuchHost || e.Kind == Refused || e.Kind == NotAllowed {
		ofProxy(e)
	}
	return e
}

func ofProxy(e *Error) {
	e.Field = "proxy_url"
	e.Detail = "the proxy cannot be used: " + e.Detail
}

// proxyAnswer replaces net/http's error for a refused CONNECT, which quotes the
// proxy's words.
func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return newError(Proxy, proxy.Hostname(), "the proxy %q demands a user and password (HTTP 407), which the engine does not send", proxy.Hostname())
	default:
		return newError(Proxy, proxy.Hostname(), "the proxy %q refused the connection to the upstream (HTTP %d)", proxy.Hostname(), res.StatusCode)
	}
}

// classify finds the sentence for a failed request or dial.
func (r Route) classify(ctx context.Context, host string, err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if e := contextError(ctx, host); e != nil {
		return e
	}
	if proxy, found := r.proxyFailed(err); found {
		if e := r.tlsError(ctx, proxy, err); e != nil {
			ofProxy(e)
			return e
		}
	}
	if e := r.tlsError(ctx, host, err); e != nil {
		return e
	}
	return networkError(ctx, host, err)
}

// proxyFailed returns the host of the proxy if an error is of the connection to it, and
// not of what goes through it.
func (r Route) proxyFailed(err error) (string, bool) {
	var op *net.OpError
	if r.ProxyURL == "" || !errors.As(err, &op) || op.Op != "proxyconnect" {
		return "", false
	}
	ep, problem := r.proxy()
	return ep.host, problem == nil
}

// contextError tells the caller's cancellation from the passing of a deadline.
func contextError(ctx context.Context, host string) *Error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return newError(Timeout, host, "%q did not answer within the time limit", host)
	default:
		return newError(Canceled, host, "the request was cancelled before %q answered", host)
	}
}
