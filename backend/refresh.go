package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// patience is how long a reader waits for a refresh while the token still lives.
const patience = 5 * time.Second

// consentAgain is the refusal for a credential that cannot be renewed.
func consentAgain(in *Integration, record *Record) *Error {
	access := record.Current.Access
	why := "there is no refresh token"
	if !access.RefusedAt.IsZero() {
		why = "the authorization server refused the refresh token on " + access.RefusedAt.Format(time.RFC3339) + access.because()
	}
	if !access.RefreshingSince.IsZero() {
		why += fmt.Sprintf("; a refresh begun on %s ended without an answer that could be saved, and if the server had carried it out, the token that works was lost with it", access.RefreshingSince.Format(time.RFC3339))
	}
	return &Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the access token of integration %q ends on %s, and %s; a person must consent again: write to oauth/authorize/%s", in.Name, access.ExpiresAt.Format(time.RFC3339), why, in.Name),
	}
}

// Fresh joins the refresh of a record or begins it, and waits for its end: while the
// token lives, no longer than patience. It returns nil where it did not wait so long.
func (c *Consents) Fresh(ctx context.Context, in *Integration, record *Record, who Actor) (*Change, error) {
	if err := c.refreshes.pausing(in.Name, record, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(c.door, in.Name, func() (any, error) { return c.refresh(context.WithoutCancel(ctx), in.Name, record, "", who) })
	if err != nil {
		return nil, err
	}
	var enough <-chan time.Time
	if record.Current.Access.lives(c.now()) {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case end := <-flight:
		renewed, _ := end.Val.(*Change)
		return renewed, end.Err
	case <-enough:
		return nil, nil //nolint:nilnil // it goes on without this reader
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// RenewRefused renews a record whose access token the upstream refuses before its end, unless
// somebody has done so meanwhile.
func (c *Consents) RenewRefused(ctx context.Context, in *Integration, record *Record, who Actor) (*Change, error) {
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
		renewed, _ := end.Val.(*Change)
		return renewed, end.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh renews a record if that is due, or if its credential is the one of the fingerprint
// refused. It is not ended by a request: once the refresh token is sent, the answer must be
// saved. Waiting for the lock takes nothing off the time that it then has.
func (c *Consents) refresh(ctx context.Context, name string, seen *Record, refused string, who Actor) (_ *Change, err error) {
	defer func() {
		if cause := recover(); cause != nil { // nobody above would catch it
			err = panicked(cause)
		}
		c.faults.note(DeedRefresh, name, unexpected(err))
		c.refreshes.note(name, seen, c.now(), err)
	}()
	mount, err := c.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, mount.exchangeTimeout())
	defer cancel()
	held, err := c.door.Lock(waiting, name, turn{})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	return held.Edit(ctx, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if err := c.door.MayLeave(held.Integration, before); err != nil {
			return nil, err
		}
		due := before.due(c.now()) || before.Current != nil && refused != "" && before.Current.Fingerprint == refused
		if !due || !before.Current.refreshable() {
			return before, nil // somebody else was faster
		}
		ctx, cancel := context.WithTimeout(ctx, held.Mount.exchangeTimeout())
		defer cancel()
		return c.traded(ctx, held, before, who)
	})
}

// traded trades the refresh token of a record. That a refresh began is stored before
// it is sent, which also proves that storage takes writes: the upstream may forget
// the old token at once.
func (c *Consents) traded(ctx context.Context, held *Held, before *Record, who Actor) (*Record, error) {
	in, asked := held.Integration, c.now()
	if kept, ok := c.refreshes.kept(held.RecordID, before); ok {
		return c.renewed(ctx, held, before, kept.grant, kept.asked, who)
	}
	client, err := client(held.Subject)
	if err != nil {
		return nil, err
	}
	marked := before
	if before.Current.Access.RefreshingSince.IsZero() {
		marked = before.withAccess(func(a *Access) { a.RefreshingSince = asked.UTC().Truncate(time.Second) })
	}
	if err := held.Note(ctx, marked); err != nil {
		return nil, err
	}
	token := before.Current.Credential.Value(providers.OAuthRefreshToken)
	with := sentWith(in, before)
	grant, err := confirmed(ctx, with, func() (providers.Grant, error) { return client.Refresh(ctx, token) })
	var cause *providers.Error
	switch {
	case errors.As(err, &cause) && cause.Outcome == providers.Rejected:
		// The mark of an earlier one stays: it says why.
		return before.withAccess(func(a *Access) { a.refused(asked, cause.Reason) }), nil
	case errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError && marked != before:
		// It was answered, and nothing was issued. If this is not stored, the mark says
		// too much.
		_ = held.Note(context.WithoutCancel(ctx), before)
		return nil, held.Refused(ctx, before, err)
	case err != nil:
		return nil, held.Refused(ctx, before, err)
	}
	grant = quiet(grant, with.secrets...)
	c.refreshes.keep(held.RecordID, unsavedRefresh{before, grant, asked})
	return c.renewed(ctx, held, before, grant, asked, who)
}

// confirmed asks for tokens, and once more after a moment if the refresh token is refused:
// authorization servers refuse a good one now and then, and the refusal ends it here.
func confirmed(ctx context.Context, with sent, issue func() (providers.Grant, error)) (providers.Grant, error) {
	grant, err := guarded(with, issue)
	var cause *providers.Error
	if !errors.As(err, &cause) || cause.Outcome != providers.Rejected {
		return grant, err
	}
	if pause(ctx) != nil {
		return grant, &providers.Error{Outcome: providers.UpstreamError, Provider: cause.Provider, Detail: "a refused refresh token could not be asked about again in time"}
	}
	return guarded(with, issue)
}

// renewed is a record with what was issued for its refresh token.
func (c *Consents) renewed(ctx context.Context, held *Held, before *Record, grant providers.Grant, asked time.Time, who Actor) (*Record, error) {
	prints, err := held.Prints(ctx, before, credentialOf(grant))
	if err != nil {
		return nil, err
	}
	after := before.refreshed(grant, prints, asked, who, held.Mount.HistoryLimit)
	after.Current.Binding = held.Home()
	return after, nil
}

// RefreshNow renews the tokens of a credential although they are not due. Unlike a refresh
// that was due it raises the version, since somebody asked.
func (c *Consents) RefreshNow(ctx context.Context, held *Held, who Actor) (*Change, error) {
	in := held.Integration
	change, err := held.Edit(context.WithoutCancel(ctx), func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if before.Current == nil {
			return nil, NoCredential(in)
		}
		if err := c.door.MayLeave(in, before); err != nil {
			return nil, err
		}
		if !before.Current.refreshable() {
			return nil, consentAgain(in, before)
		}
		ctx, cancel := context.WithTimeout(ctx, held.Mount.exchangeTimeout())
		defer cancel()
		renewed, err := c.traded(ctx, held, before, who)
		if err != nil || renewed.Current.Fingerprint == before.Current.Fingerprint {
			return renewed, err // refused for good
		}
		next := *renewed.Current
		next.VerifiedAt = c.now().UTC()
		return before.swapped(&next, CauseRotate, who, held.Mount.HistoryLimit), nil
	})
	if err == nil && !change.After.Current.refreshable() && !change.After.Current.Access.RefusedAt.IsZero() {
		return nil, consentAgain(in, change.After)
	}
	return change, err
}
