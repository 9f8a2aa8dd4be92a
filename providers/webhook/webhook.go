package webhook

import (
	"context"
	"errors"
	"net/http"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

type poster struct{ client *upstream.Client }

var _ providers.Poster = poster{}

// New returns what posts messages by a client.
func New(client *upstream.Client) providers.Poster { return poster{client} }

// Check judges address, certificates and proxy.
func (poster) Check(p providers.Posting) error {
	if err := p.AllowedHosts.CheckURL(p.URL.Reveal()); err != nil {
		return refusal(err, "url")
	}
	if err := route(p).Check(); err != nil {
		return refusal(err, "")
	}
	return nil
}

// refusal turns what the client says of a setting into an error that names it.
func refusal(err error, field string) error {
	refused := &providers.Error{Outcome: providers.InvalidField, Provider: "notify", Detail: err.Error(), Fields: []string{field}}
	var cause *upstream.Error
	if errors.As(err, &cause) {
		if cause.Kind == upstream.NotAllowed {
			refused.Outcome = providers.AddressNotAllowed
		}
		if field == "" {
			refused.Fields = []string{cause.Field}
		}
	}
	return refused
}

// Post sends the message.
func (c poster) Post(ctx context.Context, p providers.Posting) (providers.Posted, error) {
	header := http.Header{}
	for name, value := range p.Header {
		header.Set(name, value)
	}
	res, err := c.client.Do(ctx, route(p), upstream.Request{
		Method: http.MethodPost, URL: p.URL.Reveal(), Header: header, Body: p.Body,
	})
	if err != nil {
		return providers.Posted{}, unanswered(err)
	}
	wait, _ := probe.RetryAfter(res.Header)
	return providers.Posted{Status: res.Status, RetryAfter: wait}, nil
}

func route(p providers.Posting) upstream.Route {
	return upstream.Route{CACert: p.CACert, ServerName: p.ServerName, ProxyURL: p.ProxyURL, AllowedHosts: p.AllowedHosts}
}

// unanswered says whether the receiver can have got the message.
func unanswered(err error) error {
	failed := &providers.PostError{Outcome: providers.Unreachable, Detail: err.Error()}
	var cause *upstream.Error
	if !errors.As(err, &cause) {
		return failed
	}
	switch cause.Kind {
	case upstream.NotAllowed:
		failed.Outcome, failed.Unsent = providers.AddressNotAllowed, true
	case upstream.NoSuchHost, upstream.Refused, upstream.TLS, upstream.Proxy, upstream.InvalidURL, upstream.InvalidRoute, upstream.InvalidValue:
		failed.Unsent = true
	case upstream.Canceled, upstream.Timeout, upstream.Reset, upstream.TooLarge, upstream.NotJSON:
	}
	return failed
}
