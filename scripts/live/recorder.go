package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// maxAnswer is how much of an answer is passed on: more than a check reads.
const maxAnswer = 1<<20 + 1

// exchange is a request and its answer.
type exchange struct {
	attempt            string
	method, host       string
	path, query        string
	accept, authScheme string
	sentBody           bool
	status             int
	header             http.Header
	body               []byte
}

// recorder sends on what a check asks, to the named hosts only, and keeps the answers.
// The check goes through it as through a proxy, and so is the one that Vault runs.
type recorder struct {
	hosts     []string
	transport http.RoundTripper
	// tell is for whoever runs the command.
	tell func(format string, args ...any)

	mu        sync.Mutex
	attempt   string
	exchanges []exchange
}

// newRecorder goes the way to the upstream that the settings describe.
func newRecorder(p plan, tell func(format string, args ...any)) (*recorder, error) {
	t := &http.Transport{
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12, ServerName: p.settings.Text("tls_server_name")},
		DisableCompression: true, // what the check asks for is passed on
		Protocols:          new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	if pem := p.settings.Text("ca_cert"); pem != "" {
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			return nil, fmt.Errorf("the file of %sCA_CERT holds no certificate in PEM form", prefix)
		}
	}
	if proxy := p.settings.Text("proxy_url"); proxy != "" {
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("%sPROXY_URL is not an address without a user", prefix)
		}
		t.Proxy = http.ProxyURL(u)
	}
	return &recorder{hosts: p.hosts, transport: t, tell: tell}, nil
}

// begin names the attempt to which the next requests belong.
func (r *recorder) begin(attempt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempt = attempt
}

// recorded are the exchanges so far.
func (r *recorder) recorded() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.exchanges)
}

// ServeHTTP sends one request on. It follows no redirect.
func (r *recorder) ServeHTTP(w http.ResponseWriter, in *http.Request) {
	if !slices.Contains(r.hosts, authority(in.Host)) {
		r.tell("the check wanted to ask %s, which nobody named; if that is right, add it to %sHOSTS", in.Host, prefix)
		panic(http.ErrAbortHandler)
	}
	res, err := r.send(in.Context(), in)
	if err != nil {
		r.tell("%s could not be asked: %v", in.Host, err)
		panic(http.ErrAbortHandler) // which is no answer, as it was none
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	r.keep(in, res, body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range res.Header {
		if !slices.Contains([]string{"Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length"}, name) {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(body)
}

func (r *recorder) send(ctx context.Context, in *http.Request) (*http.Response, error) {
	u := *in.URL
	u.Scheme, u.Host = "https", in.Host
	out, err := http.NewRequestWithContext(ctx, in.Method, u.String(), in.Body) //nolint:gosec // to a host that was named
	if err != nil {
		return nil, errors.New("its address cannot be read")
	}
	out.Header, out.ContentLength = in.Header.Clone(), in.ContentLength
	if in.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return r.transport.RoundTrip(out)
}

func (r *recorder) keep(in *http.Request, res *http.Response, body []byte) {
	scheme, _, _ := strings.Cut(in.Header.Get("Authorization"), " ")
	if !slices.Contains([]string{"", "Basic", "Bearer", "token"}, scheme) {
		scheme = "another scheme" // it may be the credential itself
	}
	for _, name := range []string{"X-Api-Key", "Private-Token"} {
		if in.Header.Get(name) != "" {
			scheme = name
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, exchange{
		attempt: r.attempt, method: in.Method, host: in.Host, path: in.URL.EscapedPath(), query: in.URL.RawQuery,
		accept: in.Header.Get("Accept"), authScheme: scheme, sentBody: in.ContentLength != 0,
		status: res.StatusCode, header: res.Header.Clone(), body: unpacked(body, res.Header.Get("Content-Encoding")),
	})
}

// unpacked is a body as it is meant, or nothing where that cannot be told.
func unpacked(body []byte, encoding string) []byte {
	switch {
	case encoding == "" || encoding == "identity":
		return body
	case !strings.EqualFold(encoding, "gzip"):
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(z, maxAnswer))
	if err != nil {
		return nil
	}
	return text
}
