package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// patience is how long a reader waits for a refresh while the token still lives.
const patience = 5 * time.Second

// ConsentAgain is the refusal for a credential that cannot be renewed.
func ConsentAgain(in *backend.Integration, record *backend.Record) *backend.Error {
	access := record.Current.Access
	why := "there is no refresh token"
	if !access.RefusedAt.IsZero() {
		why = "the authorization server refused the refresh token on " + access.RefusedAt.Format(time.RFC3339) + access.Because()
	}
	if !access.RefreshingSince.IsZero() {
		why += fmt.Sprintf("; a refresh begun on %s ended without an answer that could be saved, and if the server had carried it out, the token that works was lost with it", access.RefreshingSince.Format(time.RFC3339))
	}
	return &backend.Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the access token of integration %q ends on %s, and %s; a person must consent again: write to oauth/authorize/%s", in.Name, access.ExpiresAt.Format(time.RFC3339), why, in.Name),
	}
}

// Fresh joins the refresh of a record or begins it, and waits for its end: while the
// token lives, no longer than patience, and never longer than until by unless that is zero. It
// returns nil where it did not wait so long.
func (c *Consents) Fresh(ctx context.Context, by time.Time, in *backend.Integration, record *backend.Record, who backend.Actor) (*backend.Change, error) {
	if err := c.refreshes.pausing(in.Name, record, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(c.door, in.Name, func() (any, error) { return c.refresh(context.WithoutCancel(ctx), in.Name, record, "", who) })
	if err != nil {
		return nil, err
	}
	var enough <-chan time.Time
	if limit, limited := c.patience(by, record); limited {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case end := <-flight:
		renewed, _ := end.Val.(*backend.Change)
		return renewed, end.Err
	case <-enough:
		return nil, nil //nolint:nilnil // it goes on without this reader
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// patience is how long a reader waits for a refresh, if there is a limit.
func (c *Consents) patience(by time.Time, record *backend.Record) (limit time.Duration, limited bool) {
	now := c.now()
	lives := record.Current.Access.Lives(now)
	if lives {
		limit = patience
	}
	if by.IsZero() {
		return limit, lives
	}
	if left := max(0, by.Sub(now)); !lives || left < limit {
		limit = left
	}
	return limit, true
}

// RenewRefused renews a record whose access token the upstream refuses before its end, unless
// somebody has done so meanwhile.
func (c *Consents) RenewRefused(ctx context.Context, in *backend.Integration, record *backend.Record, who backend.Actor) (*backend.Change, error) {
	if err := c.refreshes.pausing(in.Name, record, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(c.door, in.Name, func() (any, error) {
		return c.refresh(context.WithoutCancel(ctx), in.Name, record, record.Current.Fingerprint, who)
	})
	if err != nil {
		return nil, err
	}
	select {
	case end := <-flight:
		renewed, _ := end.Val.(*backend.Change)
		return renewed, end.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh renews a record if that is due, or if its credential is the one of the fingerprint
// refused. It is not ended by a request: once the refresh token is sent, the answer must be
// saved. Waiting for the lock takes nothing off the time that it then has.
func (c *Consents) refresh(ctx context.Context, name string, seen *backend.Record, refused string, who backend.Actor) (_ *backend.Change, err error) {
	defer func() {
		if cause := recover(); cause != nil { // nobody above would catch it
			err = fault.Panicked(cause)
		}
		c.faults.Note(fault.DeedRefresh, name, fault.Unexpected(err))
		c.refreshes.note(name, seen, c.now(), err)
	}()
	mount, err := c.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, mount.ExchangeTimeout())
	defer cancel()
	held, err := c.door.Lock(waiting, name, store.Turn{})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	return held.Edit(ctx, func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		before := change.Before
		if err := c.door.MayLeave(held.Integration, before); err != nil {
			return nil, err
		}
		due := before.Due(c.now()) || before.Current != nil && refused != "" && before.Current.Fingerprint == refused
		if !due || !before.Current.Refreshable() {
			return before, nil // somebody else was faster
		}
		ctx, cancel := context.WithTimeout(ctx, held.Mount.ExchangeTimeout())
		defer cancel()
		return c.exchangeRefreshToken(ctx, held, before, who)
	})
}

// exchangeRefreshToken trades the refresh token of a record. That a refresh began is stored before
// it is sent, which also proves that storage takes writes: the upstream may forget
// the old token at once.
func (c *Consents) exchangeRefreshToken(ctx context.Context, held *credential.Held, before *backend.Record, who backend.Actor) (*backend.Record, error) {
	in, asked := held.Integration, c.now()
	if kept, ok := c.refreshes.kept(held.RecordID, before); ok {
		return c.stored(ctx, held, before, kept.grant, kept.asked, who)
	}
	client, err := client(held.Subject)
	if err != nil {
		return nil, err
	}
	since := before.Current.Access.RefreshingSince
	first := since.IsZero()
	if first {
		since = asked.UTC().Truncate(time.Second)
	}
	if err := held.NoteRefresh(ctx, since); err != nil {
		return nil, err
	}
	token := before.Current.Credential.Value(providers.OAuthRefreshToken)
	with := ask.SentWith(in, before)
	grant, err := confirmed(ctx, with, func() (providers.Grant, error) { return client.Refresh(ctx, token) })
	var cause *providers.Error
	switch {
	case errors.As(err, &cause) && cause.Outcome == providers.Rejected:
		// The mark of an earlier one stays: it says why.
		return before.WithAccess(func(a *backend.Access) { a.Refused(asked, cause.Reason) }), nil
	case errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError && first:
		// It was answered, and nothing was issued. If this is not stored, the mark says
		// too much.
		_ = held.NoteRefresh(context.WithoutCancel(ctx), time.Time{})
		return nil, held.Refused(ctx, before, err)
	case err != nil:
		return nil, held.Refused(ctx, before, err)
	}
	grant = ask.Quiet(grant, with.Secrets...)
	c.refreshes.putUnsaved(held.RecordID, unsavedRefresh{before, grant, asked})
	return c.stored(ctx, held, before, grant, asked, who)
}

// confirmed asks for tokens, and once more after a moment if the refresh token is refused:
// authorization servers refuse a good one now and then, and the refusal ends it here.
func confirmed(ctx context.Context, with ask.Sent, issue func() (providers.Grant, error)) (providers.Grant, error) {
	grant, err := ask.Guarded(with, issue)
	var cause *providers.Error
	if !errors.As(err, &cause) || cause.Outcome != providers.Rejected {
		return grant, err
	}
	if ask.Pause(ctx) != nil {
		return grant, &providers.Error{Outcome: providers.UpstreamError, Provider: cause.Provider, Detail: "a refused refresh token could not be asked about again in time"}
	}
	return ask.Guarded(with, issue)
}

// stored is a record with what was issued for its refresh token.
func (c *Consents) stored(ctx context.Context, held *credential.Held, before *backend.Record, grant providers.Grant, asked time.Time, who backend.Actor) (*backend.Record, error) {
	prints, err := held.Prints(ctx, before, backend.CredentialOf(grant))
	if err != nil {
		return nil, err
	}
	after := before.WithGrant(grant, prints, asked, who, held.Mount.HistoryLimit)
	after.Current.Binding = held.Destination()
	return after, nil
}

// RefreshNow renews the tokens of a credential although they are not due. Unlike a refresh
// that was due it raises the version, since somebody asked.
func (c *Consents) RefreshNow(ctx context.Context, held *credential.Held, who backend.Actor) (*backend.Change, error) {
	in := held.Integration
	change, err := held.Edit(context.WithoutCancel(ctx), func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		before := change.Before
		if before.Current == nil {
			return nil, backend.NoCredential(in)
		}
		if err := c.door.MayLeave(in, before); err != nil {
			return nil, err
		}
		if !before.Current.Refreshable() {
			return nil, ConsentAgain(in, before)
		}
		ctx, cancel := context.WithTimeout(ctx, held.Mount.ExchangeTimeout())
		defer cancel()
		renewed, err := c.exchangeRefreshToken(ctx, held, before, who)
		if err != nil || renewed.Current.Fingerprint == before.Current.Fingerprint {
			return renewed, err // refused for good
		}
		next := *renewed.Current
		next.VerifiedAt = c.now().UTC()
		return before.Swapped(&next, backend.CauseRotate, who, held.Mount.HistoryLimit), nil
	})
	if err == nil && !change.After.Current.Refreshable() && !change.After.Current.Access.RefusedAt.IsZero() {
		return nil, ConsentAgain(in, change.After)
	}
	return change, err
}
