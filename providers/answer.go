package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// defaultTimeout bounds a check whose target sets no time limit.
const defaultTimeout = 30 * time.Second

// probe is one check under way: where requests go and whom errors name.
type probe struct {
	client *upstream.Client
	route  upstream.Route
	title  string
	// tokenField is the credential field that holds the token.
	tokenField string
}

func newProbe(client *upstream.Client, title, tokenField string, t Target) probe {
	return probe{client: client, title: title, tokenField: tokenField, route: upstream.Route{
		CACert:       t.Settings.Text("ca_cert"),
		ServerName:   t.Settings.Text("tls_server_name"),
		ProxyURL:     t.Settings.Text("proxy_url"),
		AllowedHosts: t.AllowedHosts,
	}}
}

// checkRoute judges ca_cert, tls_server_name and proxy_url without calling anybody.
func (p probe) checkRoute() error {
	if err := p.route.Check(); err != nil {
		return p.unanswered(err)
	}
	return nil
}

// withTimeout bounds the whole check.
func withTimeout(ctx context.Context, t Target) (context.Context, context.CancelFunc) {
	if t.Timeout <= 0 {
		return context.WithTimeout(ctx, defaultTimeout)
	}
	return context.WithTimeout(ctx, t.Timeout)
}

// get sends a read-only request. The error is about the way to the upstream; an
// answer of any status is none.
func (p probe) get(ctx context.Context, address string, header http.Header) (*upstream.Response, *Error) {
	res, err := p.client.Do(ctx, p.route, upstream.Request{
		Method: http.MethodGet, URL: address, Header: header, ReadOnly: true,
	})
	if err != nil {
		return nil, p.unanswered(err)
	}
	return res, nil
}

// fail makes an error of this provider.
func (p probe) fail(o Outcome, format string, args ...any) *Error {
	return &Error{Outcome: o, Provider: p.title, Detail: fmt.Sprintf(format, args...)}
}

// unanswered turns an error of the HTTP client into one of the provider.
func (p probe) unanswered(err error) *Error {
	var up *upstream.Error
	if !errors.As(err, &up) {
		return p.fail(UpstreamError, "the request could not be made")
	}
	e := p.fail(outcomeOf(up.Kind), "%s", up.Detail)
	switch {
	case up.Field != "":
		e.Fields = []string{up.Field}
	case up.Kind == upstream.InvalidValue:
		e.Fields = []string{p.tokenField}
	}
	return e
}

func outcomeOf(k upstream.Kind) Outcome {
	switch k {
	case upstream.NotAllowed:
		return AddressNotAllowed
	case upstream.InvalidURL, upstream.InvalidRoute, upstream.InvalidValue:
		return InvalidField
	case upstream.TooLarge, upstream.NotJSON:
		return UpstreamError
	case upstream.Canceled, upstream.Timeout, upstream.NoSuchHost, upstream.Refused,
		upstream.Reset, upstream.TLS, upstream.Proxy:
		return Unreachable
	default:
		return UpstreamError
	}
}

// undecided judges the statuses that mean the same for every upstream: none of
// them says anything about the credential. It returns nil for the others.
func (p probe) undecided(res *upstream.Response) *Error {
	switch {
	case res.Status == http.StatusTooManyRequests:
		return p.rateLimited(res, 0)
	case res.Status >= http.StatusInternalServerError:
		return p.fail(UpstreamError, "%q has a fault of its own (HTTP %d); try again later", res.Host, res.Status)
	case res.Status >= http.StatusMultipleChoices && res.Status < http.StatusBadRequest:
		return p.fail(UpstreamError, "%q answered with a redirect (HTTP %d), which is not followed; check url", res.Host, res.Status)
	}
	return nil
}

// unexpected is the end of every classification: could not tell.
func (p probe) unexpected(res *upstream.Response) *Error {
	return p.fail(UpstreamError, "%q answered HTTP %d, which is not an answer of its API to this question; check url", res.Host, res.Status)
}

// rateLimited says how long to wait: what Retry-After says, or else fallback.
func (p probe) rateLimited(res *upstream.Response, fallback time.Duration) *Error {
	e := p.fail(RateLimited, "%q limits the rate of requests (HTTP %d); the credential was not judged, try again later", res.Host, res.Status)
	e.RetryAfter = fallback
	if wait, ok := parseRetryAfter(res.Header.Get("Retry-After"), time.Now()); ok {
		e.RetryAfter = wait
	}
	return e
}

// json decodes a success; anything else than the documented form is could not tell.
func (p probe) json(res *upstream.Response, into any) *Error {
	if err := res.JSON(into); err != nil {
		return p.fail(UpstreamError, "%s; it may be a login page, check url", p.unanswered(err).Detail)
	}
	return nil
}

// requireScopes demands the setting required_scopes of granted, nil where the
// upstream does not tell. covers is the upstream's rule for scopes that include
// others.
func (p probe) requireScopes(t Target, granted []string, covers func(granted []string, want string) bool) *Error {
	required := t.Settings.List("required_scopes")
	if len(required) == 0 {
		return nil
	}
	if granted == nil {
		e := p.fail(InsufficientScope, "required_scopes is set, but the upstream does not tell which rights this kind of token has; clear required_scopes or use a token whose scopes can be read")
		e.Missing = required
		return e
	}
	var missing []string
	for _, want := range required {
		if !covers(granted, want) {
			missing = append(missing, want)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	e := p.fail(InsufficientScope, "the token works but lacks required scopes: %s", strings.Join(missing, ", "))
	e.Missing = missing
	return e
}
