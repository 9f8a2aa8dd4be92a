package invite

import (
	"context"
	"errors"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/store"
)

// Visit is one attempt to use an invitation. End it.
type Visit struct {
	of      *Invitations
	key     string
	release func() // nil unless the Put may be under way
}

// Visit begins an attempt to use the invitation of that key.
func (v *Invitations) Visit(key string) *Visit { return &Visit{of: v, key: key} }

// Edit lets an edit of the record go on if the invitation is open, for the account that it
// is for, and has the record that comes of it name the invitation. A credential that the
// upstream refuses is counted.
func (t *Visit) Edit(held *credential.Held, edit credential.Edit) credential.Edit {
	return func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		invitation, err := t.admit(ctx, held.Subject, change.Before)
		if err != nil {
			return nil, err
		}
		change.Demanded = invitation.Account
		after, err := edit(ctx, change)
		if err != nil {
			return nil, t.refused(ctx, err)
		}
		return t.use(ctx, held.Subject, change.Before, after)
	}
}

// admit returns the invitation if it is open. The caller holds the record's lock.
func (t *Visit) admit(ctx context.Context, subject *backend.Subject, record *backend.Record) (*backend.Invitation, error) {
	invitation, err := t.of.table.LoadExact(ctx, t.key)
	if err != nil {
		return nil, err
	}
	if invitation == nil || !t.of.open(t.key, invitation, subject, record) {
		return nil, backend.InvitationEnded()
	}
	return invitation, nil
}

// refused counts a verdict of the upstream, and marks the one that ends the invitation. Where it cannot be counted, the answer is that
// storage failed: else a full storage would let somebody try for ever.
func (t *Visit) refused(ctx context.Context, err error) error {
	var refused *backend.Error
	if !errors.As(err, &refused) || !refused.CountsAgainstGuest() {
		return err
	}
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	last, failed := t.of.refused(ctx, t.key)
	if failed != nil {
		return failed
	}
	refused.Last = last
	return err
}

// use looks once more, after the check, and holds the invitation until the visit ends:
// from now on nobody can end it, and who ended it before is obeyed.
func (t *Visit) use(ctx context.Context, subject *backend.Subject, before, after *backend.Record) (*backend.Record, error) {
	release, err := t.of.hold(ctx, t.key)
	if err != nil {
		return nil, err
	}
	t.release = release
	if _, err := t.admit(ctx, subject, before); err != nil {
		return nil, err
	}
	// The record names one alone: what is left of the one before must be gone.
	if before.Invited != "" {
		if err := t.of.table.Remove(ctx, before.Invited); err != nil {
			return nil, err
		}
	}
	return after.UsedBy(t.key), nil
}

// End ends the attempt. The entry of an invitation that was used stays for the sweep to
// remove: the Put of the record was all there was to write.
func (t *Visit) End() {
	if t.release != nil {
		t.release()
	}
}
