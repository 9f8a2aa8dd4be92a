package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// maxBody bounds the body of an answer, as it comes and unpacked.
const maxBody = 1 << 20

// retryPause is the shortest pause before a request is sent again; as much again
// is added at random, so that many checks do not come back together.
const retryPause = 50 * time.Millisecond

// Request is what is sent.
type Request struct {
	Method string
	URL    string
	Header http.Header
	// Body is sent where it is not empty; a GET never has one.
	Body []byte
	// ReadOnly requests change nothing upstream and may be sent twice.
	ReadOnly bool
	// Asker is for whom it is, as TimeRequests tells.
	Asker string
}

// Response is an answer, read to its end.
type Response struct {
	// Host is the host that answered, as the request named it.
	Host   string
	Status int
	Header http.Header
	// Body is unpacked, and without a byte order mark.
	Body []byte
	from endpoint
	// echoes reports whether a host repeats what the request carried. It is a function
	// because what was sent must not be printed.
	echoes func(host string) bool
}

func (c *Client) once(ctx context.Context, route Route, req Request) (*Response, *Error) {
	ep, problem := parseEndpoint(req.URL)
	if problem == nil {
		problem = route.AllowedHosts.checkEndpoint(ep)
	}
	if problem != nil {
		return nil, problem
	}
	transport, problem := c.transport(route)
	if problem != nil {
		return nil, problem
	}
	ctx = withDemands(ctx)
	defer c.timed(req.Asker, time.Now())
	out, err := http.NewRequestWithContext(dialling(ctx), req.Method, ep.url.String(), body(req))
	if err != nil {
		return nil, newError(InvalidURL, ep.host, "a request to %q cannot be made from this address", ep.host)
	}
	for name, values := range req.Header {
		out.Header[http.CanonicalHeaderKey(name)] = values
	}
	out.Header.Set("User-Agent", c.userAgent)
	out.Header.Set("Accept-Encoding", "gzip")
	// A transport, and not an http.Client: it follows no redirect and keeps no cookie.
	res, err := transport.RoundTrip(out)
	if err != nil {
		return nil, route.classify(ctx, ep.host, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode < http.StatusOK {
		// After a 101 the body is the bare connection, which knows no deadline.
		return nil, newError(Reset, ep.host, "%q answered with something that is not HTTP", ep.host)
	}
	answer, problem := route.read(ctx, ep, res)
	if answer != nil {
		answer.echoes = echoesOf(out.Header, req.Body, ep.url)
	}
	return answer, problem
}

// body returns nil for a GET: some upstreams judge a GET with a body as a failed
// login.
func body(req Request) io.Reader {
	if req.Method == http.MethodGet || len(req.Body) == 0 {
		return nil
	}
	return bytes.NewReader(req.Body)
}

func (r Route) read(ctx context.Context, from endpoint, res *http.Response) (*Response, *Error) {
	host := from.host
	wire, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case len(wire) > maxBody:
		return nil, tooLarge(host)
	case err != nil:
		return nil, r.classify(ctx, host, err)
	}
	// net/http may hand out an answer that arrives while it gives up.
	if e := contextError(ctx, host); e != nil {
		return nil, e
	}
	content, err := plain(wire, res.Header.Get("Content-Encoding"))
	switch {
	case err != nil:
		return nil, newError(NotJSON, host, "%q answered with something that is not packed as it says", host)
	case len(content) > maxBody:
		return nil, tooLarge(host)
	}
	return &Response{Host: host, Status: res.StatusCode, Header: res.Header, Body: bytes.TrimPrefix(content, byteOrderMark()), from: from}, nil
}

// byteOrderMark may stand before a text in UTF-8 and is no part of it; a reader of JSON
// may ignore it (RFC 8259, section 8.1).
func byteOrderMark() []byte { return []byte("\uFEFF") }

// plain unpacks up to one byte more than the limit. It is not left to net/http, which
// would read without end what unpacks to nothing.
func plain(wire []byte, encoding string) ([]byte, error) {
	if !strings.EqualFold(encoding, "gzip") || len(wire) == 0 { // an empty body is not packed
		return wire, nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(wire))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(unpacked, maxBody+1))
}

func tooLarge(host string) *Error {
	return newError(TooLarge, host, "the answer of %q is larger than %d MiB", host, maxBody>>20)
}

// retryable reports whether a second attempt may help and cannot hurt: never
// after a 429, a refusal or a passed deadline.
func retryable(res *Response, err *Error) bool {
	if err != nil {
		return err.Kind == Reset || err.Kind == Refused
	}
	return res.Status >= http.StatusInternalServerError
}

// pause waits a moment and reports whether there is time for another attempt.
func pause(ctx context.Context) bool {
	wait := retryPause + rand.N(retryPause) //nolint:gosec // spreads load, guards nothing
	if end, ok := ctx.Deadline(); ok && time.Until(end) < 2*wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
