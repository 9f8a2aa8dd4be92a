package backend

import (
	"context"
	"errors"

	"vault-plugin-secrets-sei/providers"
)

// adopt swaps the successor in with one Put and finishes upstream. Where the one before
// goes on working the successor is checked first. Where it is dead by then, nothing is
// better than what the upstream has just made, and it is checked afterwards.
func (c *rotation) adopt(ctx context.Context, before *Record, p *Pending) (*Change, error) {
	change, err := c.Edit(ctx, func(ctx context.Context, change *Change) (*Record, error) {
		next := before.Current.succeeded(p.Successor, p.ExpiresAt, c.now())
		if c.rotator.Overlaps() {
			checked, err := c.checkTwice(ctx, p.entry(), change)
			if err != nil {
				return nil, err // it stays pending: the sweep asks again
			}
			next = checked
		}
		next.Rotation, next.Binding = p.Rotation, c.Home()
		next.Fingerprint, next.Salt = p.Fingerprint, p.Salt // by which resume knows it
		after := change.Before.swapped(next, p.Cause, p.Actor, c.Mount.HistoryLimit)
		if c.rotator.Overlaps() {
			after.keep(change.Before, c.now().Add(c.Mount.RollbackWindow))
		}
		return after, nil
	})
	if err != nil {
		return nil, err
	}
	c.conclude(ctx, change, p)
	return change, nil
}

// checkTwice is Check, and asks once more after a moment if the credential is refused: where
// an upstream has just made one, parts of it may not know it yet. Only the second refusal
// counts. Where that could not be had the error is another one.
func (c *rotation) checkTwice(ctx context.Context, entry Entry, change *Change) (*Stored, error) {
	found, err := c.Check(ctx, entry, change)
	if !HasCode(err, string(providers.Rejected)) {
		return found, err
	}
	if err := pause(ctx); err != nil {
		return nil, err
	}
	change.Unconfirmed = true
	found, err = c.Check(ctx, entry, change)
	change.Unconfirmed = err != nil && !HasCode(err, string(providers.Rejected))
	return found, err
}

// conclude does what is left once the successor is in use: what it replaced is removed
// upstream, at once or when nobody can go back to it any more.
func (c *rotation) conclude(ctx context.Context, change *Change, p *Pending) {
	if !c.rotator.Overlaps() {
		c.checkAfterwards(ctx, change, p.entry())
	}
	noted := p.finishing(c.now())
	if change.Before.Current != nil {
		noted.Replaced = change.Before.Current.Fingerprint
	}
	if change.After.Previous != nil {
		noted.FinishAt = change.After.PreviousUntil
	} else if c.finish(ctx, change.After.Current.Credential, p) {
		return
	}
	if err := c.pendings.save(ctx, c.RecordID, noted); err != nil {
		c.pendings.hold(c.RecordID, noted) // resume stores it
	}
}

// checkAfterwards stores what a check finds of a credential that is in use already.
func (c *rotation) checkAfterwards(ctx context.Context, change *Change, entered Entry) {
	checked := &Change{Integration: change.Integration, Before: change.After}
	found, err := c.checkTwice(ctx, entered, checked)
	var refused *Error
	if err == nil && !checked.IdentityChanged && !found.knownAs(change.After.Current) {
		after := *change.After
		found.VerifiedAt, found.Rotation = after.Current.VerifiedAt, after.Current.Rotation
		after.Current, after.Identity, after.AccountID = found, found.Identity, found.AccountID
		if c.Note(ctx, &after) == nil { // else the next check brings it
			change.After = &after
		}
	}
	if checked.Unconfirmed {
		change.Unconfirmed = true
		change.Warnings = append(change.Warnings, "the new credential is in use; the upstream refused it once, and could not be asked again; it is checked again soon")
		return
	}
	if errors.As(err, &refused) && verdict(refused.Code) {
		change.Finding, _ = c.Mark(ctx, change.After, refused)
		change.Warnings = append(change.Warnings, "the new credential is in use, and its check failed: "+refused.Message)
	}
}

// finish removes upstream what was replaced, and then the note. It reports whether it
// did; else the sweep does it again.
func (c *rotation) finish(ctx context.Context, with providers.Credential, p *Pending) bool {
	ctx, cancel := context.WithTimeout(ctx, c.Mount.exchangeTimeout())
	defer cancel()
	err := c.rotator.Finish(ctx, c.target(), with, p.Rotation)
	var cause *providers.Error
	if err == nil || errors.As(err, &cause) && !cause.CouldNotTell() {
		return c.pendings.remove(ctx, c.RecordID) == nil
	}
	return false
}
