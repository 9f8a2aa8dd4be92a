package notify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// postLimit is how long a receiver may take to answer.
const postLimit = 10 * time.Second

// failure is a message that a receiver did not take.
type failure struct {
	// status is that of the answer, 0 where there was none.
	status  int
	outcome providers.Outcome
	// detail is a sentence for a person who may read the target: it may name the host.
	detail     string
	retryAfter time.Duration
	// unsent is set where the receiver cannot have got it; else it may have.
	unsent bool
}

// Error says it without the host: it stands in logs.
func (f *failure) Error() string {
	if f.status != 0 {
		return fmt.Sprintf("the receiver answered HTTP %d", f.status)
	}
	if f.outcome == providers.AddressNotAllowed {
		return "the mount's allowed_hosts do not allow the receiver's address"
	}
	return "the receiver cannot be reached or does not answer"
}

// refusal is the failure for the person who asked for a message.
func (f *failure) refusal() *backend.Error {
	e := &backend.Error{Code: string(providers.UpstreamError), Message: f.detail}
	switch {
	case f.outcome != "":
		e.Code = string(f.outcome)
	case f.status == statusTooMany:
		e.Code = string(providers.RateLimited)
	}
	if f.retryAfter > 0 {
		e.RetryAfter = max(1, int64(f.retryAfter.Seconds()))
	}
	return e
}

// fault is the failure for the log and for everybody's status, without the host.
func (f *failure) fault() error {
	e := f.refusal()
	e.Message = f.Error()
	return e
}

// Statuses of answers.
const (
	statusOK       = 200
	statusRedirect = 300
	statusRefused  = 400
	statusTimeout  = 408
	statusTooEarly = 425
	statusTooMany  = 429
	statusBroken   = 500
)

// final reports whether to send it again soon would be answered alike.
func (f *failure) final() bool {
	switch f.status {
	case 0:
		return f.outcome == providers.AddressNotAllowed
	case statusTimeout, statusTooEarly, statusTooMany:
		return false
	}
	return f.status < statusBroken
}

// post sends a message once.
func post(ctx context.Context, poster providers.Poster, t *Target, allowed providers.AllowedHosts, m message, now time.Time) *failure {
	p := t.posting(allowed)
	var err error
	if p.Body, err = m.body(t.Values().Text(fieldFormat)); err != nil {
		return &failure{outcome: providers.UpstreamError, detail: "the message could not be made", unsent: true}
	}
	if p.Header, err = headers(t, m, p.Body, now); err != nil {
		return &failure{outcome: providers.UpstreamError, detail: "the message could not be signed", unsent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, postLimit)
	defer cancel()
	answer, err := poster.Post(ctx, p)
	if err != nil {
		return unanswered(err)
	}
	if answer.Status >= statusOK && answer.Status < statusRedirect {
		return nil
	}
	f := &failure{status: answer.Status, retryAfter: answer.RetryAfter, unsent: answer.Status >= statusRedirect && answer.Status < statusBroken && answer.Status != statusTimeout}
	f.detail = f.Error()
	switch {
	case answer.Status < statusRefused:
		f.detail += ", which leads elsewhere; redirects are not followed, so url must be the address itself"
	case f.final():
		f.detail += ": it does not take the message, or its address is no longer valid"
	}
	return f
}

func unanswered(err error) *failure {
	f := &failure{outcome: providers.Unreachable, detail: "the receiver did not answer"}
	var cause *providers.PostError
	if errors.As(err, &cause) {
		f.outcome, f.detail, f.unsent = cause.Outcome, cause.Detail, cause.Unsent
	}
	return f
}

// headers are those of Standard Webhooks. A message that is sent again has the same id,
// and another time, because receivers refuse what is too old.
func headers(t *Target, m message, body []byte, now time.Time) (map[string]string, error) {
	h := map[string]string{
		"Content-Type":                  "application/json",
		webhooks.HeaderWebhookID:        m.ID,
		webhooks.HeaderWebhookTimestamp: strconv.FormatInt(now.Unix(), 10),
	}
	key, err := signingKey(t.Settings.Secret(fieldSigningKey))
	if err != nil || key == nil {
		return h, err
	}
	signer, err := webhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, err
	}
	h[webhooks.HeaderWebhookSignature], err = signer.Sign(m.ID, now, body)
	return h, err
}
