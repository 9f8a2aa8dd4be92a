package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

const (
	// patience is how long a reader waits for a refresh while the token still lives.
	patience = 5 * time.Second
	// closePatience is how long the end of the engine waits for refreshes under way.
	closePatience = 10 * time.Second
)

// Handout is a credential for a worker.
type Handout struct {
	Integration *Integration
	Record      *Record
	// Member is the token of a pool to use, by its place; 0 where there is no pool.
	Member int
	// ReadAgainAt is when it is worth reading again, if that is known; zero where not.
	ReadAgainAt time.Time
	// Warning says what keeps the credential from being renewed, or that its quota is
	// gone; "" where nothing is wrong.
	Warning string
}

// HandOut returns the credential for a worker. An access token whose end is near is
// renewed first, once for however many readers, and the renewed one is stored before
// anybody gets it. While the old one lives it is handed out if the upstream is slow
// or down; a dead one never is. Where this node may not write it returns
// logical.ErrReadOnly, before anything is sent, so that Vault asks the active node;
// writable tells, and is only asked if that matters. Nil says that it may.
//
// Of a pool it chooses the token to use for resource; that is known where workers
// report, on the active node.
func (c *Credentials) HandOut(ctx context.Context, name, resource string, who Actor, writable func() bool) (*Handout, error) {
	in, record, err := c.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &Handout{Integration: in, Record: record}
	switch {
	case record.Current != nil && len(record.Current.Members) > 1:
		if writable != nil && !writable() {
			return nil, logical.ErrReadOnly // workers report to the active node
		}
		return c.choose(ctx, out, resource)
	case !record.due(c.now()):
		return out, nil
	case !record.Current.refreshable():
		return out.orDead(c.now(), nil)
	case writable != nil && !writable():
		return nil, logical.ErrReadOnly
	}
	renewed, err := c.renew(ctx, in, record, who)
	if renewed != nil {
		out.Integration, out.Record = renewed.Integration, renewed.After
	}
	return out.orDead(c.now(), err)
}

// orDead refuses a token that has ended. One that lives is handed out, with a warning
// if it cannot be renewed; err is why the last refresh failed.
func (h *Handout) orDead(now time.Time, err error) (*Handout, error) {
	if h.Record.Current == nil || h.Record.Current.Access == nil { // replaced meanwhile
		return h, nil
	}
	access := h.Record.Current.Access
	if access.due(now) && !h.Record.Current.refreshable() {
		err = h.consentAgain()
	}
	var refused *Error
	switch {
	case access.lives(now) && errors.As(err, &refused):
		h.Warning = fmt.Sprintf("the access token ends on %s and cannot be renewed now: %s", access.ExpiresAt.Format(time.RFC3339), refused.Error())
		return h, nil
	case access.lives(now):
		return h, nil
	case err == nil:
		return nil, h.tooSlow()
	}
	return nil, err
}

// tooSlow is the refusal for a token that ended while its renewal was under way.
func (h *Handout) tooSlow() *Error {
	return &Error{
		Code: string(providers.Unreachable), Integration: h.Integration.Name, Provider: h.Integration.Provider,
		Message: fmt.Sprintf("the access token of integration %q has ended, and its renewal is still under way; read again in a moment", h.Integration.Name),
	}
}

// consentAgain is the refusal for a credential that cannot be renewed.
func (h *Handout) consentAgain() *Error {
	in, access := h.Integration, h.Record.Current.Access
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

// renew joins the refresh of a record or begins it, and waits for its end: while the
// token lives, no longer than patience. It returns nil where it did not wait so long.
func (c *Credentials) renew(ctx context.Context, in *Integration, record *Record, who Actor) (*Change, error) {
	if err := c.refreshes.pausing(in.Name, record, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(in.Name, func() (any, error) { return c.refresh(context.WithoutCancel(ctx), in.Name, record, "", who) })
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

// renewRefused renews a record whose access token the upstream refuses before its end, unless
// somebody has done so meanwhile.
func (c *Credentials) renewRefused(ctx context.Context, in *Integration, record *Record, who Actor) (*Change, error) {
	if err := c.refreshes.pausing(in.Name, record, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(in.Name, func() (any, error) {
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
func (c *Credentials) refresh(ctx context.Context, name string, seen *Record, refused string, who Actor) (_ *Change, err error) {
	defer func() {
		if cause := recover(); cause != nil { // nobody above would catch it
			err = panicked(cause)
		}
		c.faults.note(DeedRefresh, name, unexpected(err))
		c.refreshes.note(name, seen, c.now(), err)
	}()
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	in, id, release, err := c.lock(waiting, turn{}, name)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.edit(ctx, in, id, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if err := c.mayLeave(in, before); err != nil {
			return nil, err
		}
		due := before.due(c.now()) || before.Current != nil && refused != "" && before.Current.Fingerprint == refused
		if !due || !before.Current.refreshable() {
			return before, nil // somebody else was faster
		}
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		return c.traded(ctx, mount, change, who)
	})
}

// traded trades the refresh token of a record. That a refresh began is stored before
// it is sent, which also proves that storage takes writes: the upstream may forget
// the old token at once.
func (c *Credentials) traded(ctx context.Context, mount *Mount, change *Change, who Actor) (*Record, error) {
	in, before, asked := change.Integration, change.Before, c.now()
	if kept, ok := c.refreshes.kept(change.id, before); ok {
		return c.renewed(ctx, change, kept.grant, kept.asked, who, mount)
	}
	client, err := c.client(in, mount)
	if err != nil {
		return nil, err
	}
	marked := before
	if before.Current.Access.RefreshingSince.IsZero() {
		marked = before.withAccess(func(a *Access) { a.RefreshingSince = asked.UTC().Truncate(time.Second) })
	}
	if err := c.records.save(ctx, change.id, marked); err != nil {
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
		_ = c.records.save(context.WithoutCancel(ctx), change.id, before)
		return nil, c.refused(ctx, in, before, err, nil)
	case err != nil:
		return nil, c.refused(ctx, in, before, err, nil)
	}
	grant = quiet(grant, with.secrets...)
	c.refreshes.keep(change.id, unsavedRefresh{before, grant, asked})
	return c.renewed(ctx, change, grant, asked, who, mount)
}

// confirmed asks for tokens, and once more after a moment if the refresh token is refused:
// authorization servers refuse a good one now and then, and the refusal ends it here.
func confirmed(ctx context.Context, with sent, ask func() (providers.Grant, error)) (providers.Grant, error) {
	grant, err := guarded(with, ask)
	var cause *providers.Error
	if !errors.As(err, &cause) || cause.Outcome != providers.Rejected {
		return grant, err
	}
	if pause(ctx) != nil {
		return grant, &providers.Error{Outcome: providers.UpstreamError, Provider: cause.Provider, Detail: "a refused refresh token could not be asked about again in time"}
	}
	return guarded(with, ask)
}

func (c *Credentials) renewed(ctx context.Context, change *Change, grant providers.Grant, asked time.Time, who Actor, mount *Mount) (*Record, error) {
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return nil, err
	}
	in, spec := change.Integration, provider.Spec()
	auth, _ := spec.AuthType(in.AuthType)
	prints, err := c.marks.of(ctx, owner{change.id, in.binding(spec), change.Before}, auth, credentialOf(grant))
	if err != nil {
		return nil, err
	}
	after := change.Before.refreshed(grant, prints, asked, who, mount.HistoryLimit)
	after.Current.Binding = c.integrations.home(in)
	return after, nil
}

// refreshNow is Rotate of an OAuth credential: its tokens are renewed although they are
// not due. Unlike a refresh that was due it raises the version, since somebody asked.
func (c *Credentials) refreshNow(ctx context.Context, in *Integration, id string, mount *Mount, who Actor) (*Change, error) {
	change, err := c.edit(context.WithoutCancel(ctx), in, id, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if before.Current == nil {
			return nil, NoCredential(in)
		}
		if err := c.mayLeave(in, before); err != nil {
			return nil, err
		}
		if !before.Current.refreshable() {
			return nil, (&Handout{Integration: in, Record: before}).consentAgain()
		}
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		renewed, err := c.traded(ctx, mount, change, who)
		if err != nil || renewed.Current.Fingerprint == before.Current.Fingerprint {
			return renewed, err // refused for good
		}
		next := *renewed.Current
		next.VerifiedAt = c.now().UTC()
		return before.swapped(&next, CauseRotate, who, mount.HistoryLimit), nil
	})
	if err == nil && !change.After.Current.refreshable() && !change.After.Current.Access.RefusedAt.IsZero() {
		return nil, (&Handout{Integration: in, Record: change.After}).consentAgain()
	}
	return change, err
}
