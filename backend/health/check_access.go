package health

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/providers"
)

// checkAccess asks about an access token, which is renewed first if that is due. One that is
// refused before its end is renewed, too, before that counts: the vendor may have revoked it
// alone, and the refresh token is what a person would have to consent for again.
func (w *Watch) checkAccess(ctx context.Context, r *result, how checkOptions) error {
	who := backend.AskerOf(ctx, backend.Actor{Via: "health/" + r.subject.Integration.Name})
	out, err := w.handouts.HandOut(ctx, r.subject.Integration.Name, backend.DefaultResource, who, nil)
	var refused *backend.Error
	switch {
	case errors.As(err, &refused):
		r.fails(refused)
		return nil
	case err != nil:
		return err
	case out.Record.Current == nil:
		return nil
	}
	if err := w.isOf(r, out.Integration, out.Record); err != nil {
		return err
	}
	if err := w.ask(ctx, r, r.Record.Current.Credential); err != nil {
		return err
	}
	renew, err := w.renewable(ctx, r, how)
	if err != nil || !renew {
		return err
	}
	return w.checkRenewed(ctx, r, who)
}

// fails takes a refusal for the result.
func (r *result) fails(refused *backend.Error) {
	r.Code, r.Message, r.retryAfter = refused.Code, refused.Message, time.Duration(refused.RetryAfter)*time.Second
}

// renewable reports whether to renew a token that is refused. One refusal is asked about
// again before that, and for a rejection that is known already it is done once.
func (w *Watch) renewable(ctx context.Context, r *result, how checkOptions) (bool, error) {
	current := r.Record.Current
	if r.Code != string(providers.Rejected) || current.Access == nil || !current.Refreshable() {
		return false, nil
	}
	stored, err := w.findings.Load(ctx, r.subject.Integration.Name)
	if err != nil {
		return false, err
	}
	known := stored.Of(r.Record.Version)
	if known.Code == string(providers.Rejected) {
		return current.Access.IssuedAt.Before(known.Since), nil
	}
	return how.confirms, nil
}

// checkRenewed renews an access token that is refused and asks about the new one.
func (w *Watch) checkRenewed(ctx context.Context, r *result, who backend.Actor) error {
	change, err := w.consents.RenewRefused(ctx, r.subject.Integration, r.Record, who)
	var refused *backend.Error
	switch {
	case errors.As(err, &refused):
		r.fails(refused)
		r.Message = fmt.Sprintf("the upstream refuses the access token before its end, and it could not be renewed: %s", refused.Message)
		return nil
	case err != nil:
		return err
	case change.After.Current == nil || change.After.Version != r.Record.Version:
		return nil // replaced meanwhile, and settle sees that
	}
	if err := w.isOf(r, change.Integration, change.After); err != nil {
		return err
	}
	if !r.Record.Current.Refreshable() {
		r.fails(oauth.ConsentAgain(r.subject.Integration, r.Record))
		return nil
	}
	for again := false; ; again = true {
		r.Code, r.Message, r.retryAfter = "", "", 0
		if err := w.ask(ctx, r, r.Record.Current.Credential); err != nil {
			return err
		}
		if r.Code != string(providers.Rejected) || again {
			break
		}
		if err := ask.Pause(ctx); err != nil { // a new token may not be known everywhere yet
			return err
		}
	}
	r.notes = append(r.notes, "the upstream refused the access token before its end, and it was renewed; workers get the new one at their next read of creds/"+r.subject.Integration.Name)
	return nil
}

// isOf gives a result the integration and the record that were read later, which belong
// together.
func (w *Watch) isOf(r *result, in *backend.Integration, record *backend.Record) (err error) {
	r.Record = record
	if in != r.subject.Integration {
		r.subject, err = w.subject(in, r.subject.Mount)
	}
	return err
}
