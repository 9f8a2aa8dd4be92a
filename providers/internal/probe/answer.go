package probe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// defaultTimeout bounds a check whose target sets no time limit.
const defaultTimeout = 30 * time.Second

// Probe is one check under way: where requests go and whom errors name.
type Probe struct {
	client *upstream.Client
	Route  upstream.Route
	Title  string
	// TokenField is the credential field that holds the token.
	TokenField string
	// URLSetting is the setting that holds the address, url where it is empty.
	URLSetting string
	// pace is that of the whole check; nil where nothing is asked.
	pace *pace
}

// New begins a check of what t names. Errors name the upstream by title, and
// tokenField where a value cannot be sent.
func New(client *upstream.Client, title, tokenField string, t providers.Target) Probe {
	return Probe{client: client, Title: title, TokenField: tokenField, pace: newPace(t), Route: upstream.Route{
		CACert:       t.Settings.Text("ca_cert"),
		ServerName:   t.Settings.Text("tls_server_name"),
		ProxyURL:     t.Settings.Text("proxy_url"),
		AllowedHosts: t.AllowedHosts,
	}}
}

// CheckRoute judges ca_cert, tls_server_name and proxy_url without calling anybody.
func (p Probe) CheckRoute() error {
	if err := p.Route.Check(); err != nil {
		return p.Unanswered(err)
	}
	return nil
}

// WithTimeout bounds the whole check.
func WithTimeout(ctx context.Context, t providers.Target) (context.Context, context.CancelFunc) {
	if t.Timeout <= 0 {
		return context.WithTimeout(ctx, defaultTimeout)
	}
	return context.WithTimeout(ctx, t.Timeout)
}

// Get sends a read-only request. The error is about the way to the upstream; an
// answer of any status is none.
func (p Probe) Get(ctx context.Context, address string, header http.Header) (*upstream.Response, *providers.Error) {
	return p.Send(ctx, upstream.Request{Method: http.MethodGet, URL: address, Header: header, ReadOnly: true})
}

// Post is get for the upstreams that answer a question to a POST only. It must
// change nothing there, for it may be sent twice.
func (p Probe) Post(ctx context.Context, address string, header http.Header, body []byte) (*upstream.Response, *providers.Error) {
	return p.Send(ctx, upstream.Request{Method: http.MethodPost, URL: address, Header: header, Body: body, ReadOnly: true})
}

// Change sends a request that changes something upstream: once, whatever comes of it.
func (p Probe) Change(ctx context.Context, method, address string, header http.Header, body []byte) (*upstream.Response, *providers.Error) {
	return p.Send(ctx, upstream.Request{Method: method, URL: address, Header: header, Body: body})
}

// Send sends any request. One that is not ReadOnly is sent once, whatever comes of it.
func (p Probe) Send(ctx context.Context, req upstream.Request) (*upstream.Response, *providers.Error) {
	asked := time.Now()
	req.Asker = p.Title
	res, err := p.client.Do(ctx, p.Route, req)
	switch {
	case err == nil:
		p.pace.answer()
		return res, nil
	case req.ReadOnly && p.pace.tooSlow(err, time.Since(asked)):
		return nil, p.needsTime(req.URL)
	}
	return nil, p.Unanswered(err)
}

// Fail makes an error of this provider.
func (p Probe) Fail(o providers.Outcome, format string, args ...any) *providers.Error {
	return &providers.Error{Outcome: o, Provider: p.Title, Detail: fmt.Sprintf(format, args...)}
}

// Unanswered turns an error of the HTTP client into one of the provider.
func (p Probe) Unanswered(err error) *providers.Error {
	var up *upstream.Error
	if !errors.As(err, &up) {
		return p.Fail(providers.UpstreamError, "the request could not be made")
	}
	e := p.Fail(outcomeOf(up.Kind), "%s", up.Detail)
	switch {
	case up.Field != "":
		e.Fields = []string{up.Field}
	case up.Kind == upstream.InvalidValue:
		e.Fields = []string{p.TokenField}
	}
	return e
}

func outcomeOf(k upstream.Kind) providers.Outcome {
	switch k {
	case upstream.NotAllowed:
		return providers.AddressNotAllowed
	case upstream.InvalidURL, upstream.InvalidRoute, upstream.InvalidValue:
		return providers.InvalidField
	case upstream.TooLarge, upstream.NotJSON:
		return providers.UpstreamError
	case upstream.Canceled, upstream.Timeout, upstream.NoSuchHost, upstream.Refused,
		upstream.Reset, upstream.TLS, upstream.Proxy:
		return providers.Unreachable
	default:
		return providers.UpstreamError
	}
}

// Undecided judges the statuses that mean the same for every upstream: none of
// them says anything about the credential. It returns nil for the others.
func (p Probe) Undecided(res *upstream.Response) *providers.Error {
	switch {
	case res.Status == http.StatusTooManyRequests:
		return p.RateLimited(res, 0)
	case res.Status >= http.StatusInternalServerError:
		return p.Fail(providers.UpstreamError, "%q has a fault of its own (HTTP %d); try again later", res.Host, res.Status)
	case res.Status >= http.StatusMultipleChoices && res.Status < http.StatusBadRequest:
		return p.redirected(res)
	}
	return p.misdirected(res)
}

// redirected names where a redirect leads, which is not followed: the credential would go
// to a host that nobody entered.
func (p Probe) redirected(res *upstream.Response) *providers.Error {
	origin, elsewhere := res.Leads()
	switch {
	case origin == "":
		return p.Fail(providers.UpstreamError, "%q answered with a redirect (HTTP %d), which is not followed; check %s", res.Host, res.Status, p.setting())
	case !elsewhere:
		return p.Fail(providers.UpstreamError, "%q answered with a redirect (HTTP %d) to another page of its own, %s, such as a sign-in page; it is not followed; check the path of %s", res.Host, res.Status, origin, p.setting())
	}
	return p.Fail(providers.UpstreamError, "%q answered with a redirect (HTTP %d) to %s, which is not followed; if the API has its address there, enter that as %s; if one signs in there, let Vault's requests pass without", res.Host, res.Status, origin, p.setting())
}

// setting is the setting whose address was called.
func (p Probe) setting() string { return cmp.Or(p.URLSetting, "url") }

// misdirected recognises web servers' own pages about the connection. They say nothing of
// the credential, whatever their status.
func (p Probe) misdirected(res *upstream.Response) *providers.Error {
	if res.Status < http.StatusBadRequest || res.SaysJSON() {
		return nil
	}
	said := bytes.ToLower(res.Body)
	says := func(words string) bool { return bytes.Contains(said, []byte(words)) }
	switch {
	case says("plain http request was sent to https port"), says("client sent an http request to an https server"), says("speaking plain http to an ssl-enabled server port"):
		return p.Fail(providers.UpstreamError, "%q speaks TLS on that port (HTTP %d); enter %s with https://", res.Host, res.Status, p.setting())
	case says("no required ssl certificate was sent"), says("the ssl certificate error"), says("client certificate required"):
		return p.Fail(providers.UpstreamError, "%q demands a client certificate (mutual TLS, HTTP %d), which the engine does not have; enter as %s an address where it is not demanded of Vault", res.Host, res.Status, p.setting())
	}
	return nil
}

// Unexpected is the end of every classification: could not tell.
func (p Probe) Unexpected(res *upstream.Response) *providers.Error {
	return p.Fail(providers.UpstreamError, "%q answered HTTP %d, which is not an answer of its API to this question; check url", res.Host, res.Status)
}

// Foreign is the failure of a refusal that is not in the vendor's own form: somebody in
// between gave it, such as a mesh, an ingress or a gateway, and it says nothing of the
// credential.
func (p Probe) Foreign(res *upstream.Response, vendor string) *providers.Error {
	return p.Fail(providers.UpstreamError, "%q answered HTTP %d with something that is not %s's, such as the answer of a proxy, gateway or firewall in between; the credential was not judged, check url and what stands before it",
		res.Host, res.Status, vendor)
}

// NotSeen is the failure of a refusal by which the vendor says that no credential came.
func (p Probe) NotSeen(res *upstream.Response) *providers.Error {
	return p.Fail(providers.UpstreamError, "%q did not see the token (HTTP %d), so it was not judged; something in between removes the header that holds it", res.Host, res.Status)
}

// RefusedLater is the end of a check whose credential was taken a moment before it
// was refused: one of the two answers is wrong, so it could not tell.
func (p Probe) RefusedLater(res *upstream.Response) *providers.Error {
	return p.Fail(providers.UpstreamError, "%q took the credential and refused it a moment later (HTTP %d); try again", res.Host, res.Status)
}

// RateLimited says how long to wait: what Retry-After says, or else fallback.
func (p Probe) RateLimited(res *upstream.Response, fallback time.Duration) *providers.Error {
	e := p.Fail(providers.RateLimited, "%q limits the rate of requests (HTTP %d); the credential was not judged, try again later", res.Host, res.Status)
	e.RetryAfter = fallback
	if wait, ok := RetryAfter(res.Header); ok {
		e.RetryAfter = wait
	}
	return e
}

// JSON decodes a success; anything else than the documented form is could not tell.
func (p Probe) JSON(res *upstream.Response, into any) *providers.Error {
	if err := res.JSON(into); err != nil {
		return p.Fail(providers.UpstreamError, "%s; it may be a login page, check url", p.Unanswered(err).Detail)
	}
	return nil
}

// NotAnAPI reports whether the answer is a page for people, such as a sign-in page
// or that of a proxy or firewall. Whatever its status, it says nothing about the
// credential.
func NotAnAPI(res *upstream.Response) bool {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html") || bytes.HasPrefix(bytes.TrimSpace(res.Body), []byte("<"))
}

// SaysOnly reports whether an answer is a JSON object with no other members than names.
func SaysOnly(res *upstream.Response, names ...string) bool {
	var said map[string]json.RawMessage
	if !res.Peek(&said) {
		return false
	}
	for name := range said {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// Page is the failure of NotAnAPI.
func (p Probe) Page(res *upstream.Response) *providers.Error {
	return p.Fail(providers.UpstreamError, "%q answered HTTP %d with a page and not with an answer of its API, such as the page of a proxy or firewall; check url", res.Host, res.Status)
}

// Refuses reports whether an answer has a status by which an upstream, or something in
// between, refuses a request.
func Refuses(res *upstream.Response) bool {
	return res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden || res.Status == http.StatusNotFound
}
