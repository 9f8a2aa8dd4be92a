package rotation

import (
	"context"
	"errors"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/providers"
)

// adopt swaps the successor in with one Put and finishes upstream. Where the one before
// goes on working the successor is checked first. Where it is dead by then, nothing is
// better than what the upstream has just made, and it is checked afterwards.
func (c *rotation) adopt(ctx context.Context, before *backend.Record, p *backend.Pending) (*backend.Change, error) {
	change, err := c.Edit(ctx, func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		next := before.Current.Succeeded(p.Successor, p.ExpiresAt, c.now())
		if c.rotator.Overlaps() {
			checked, err := c.checkTwice(ctx, p.Entry(), change)
			if err != nil {
				return nil, err // it stays pending: the sweep asks again
			}
			next = checked
		}
		next.Rotation, next.Binding = p.Rotation, c.Destination()
		next.Fingerprint, next.Salt = p.Fingerprint, p.Salt // by which resume knows it
		after := change.Before.Swapped(next, p.Cause, p.Actor, c.Mount.HistoryLimit)
		if c.rotator.Overlaps() {
			after = after.WithPrevious(change.Before, c.now().Add(c.Mount.RollbackWindow))
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
func (c *rotation) checkTwice(ctx context.Context, entry backend.Entry, change *backend.Change) (*backend.Stored, error) {
	found, err := c.Check(ctx, entry, change)
	if !backend.HasCode(err, string(providers.Rejected)) {
		return found, err
	}
	if err := ask.Pause(ctx); err != nil {
		return nil, err
	}
	change.Unconfirmed = true
	found, err = c.Check(ctx, entry, change)
	change.Unconfirmed = err != nil && !backend.HasCode(err, string(providers.Rejected))
	return found, err
}

// conclude does what is left once the successor is in use: what it replaced is removed
// upstream, at once or when nobody can go back to it any more.
func (c *rotation) conclude(ctx context.Context, change *backend.Change, p *backend.Pending) {
	if !c.rotator.Overlaps() {
		c.checkAfterwards(ctx, change, p.Entry())
	}
	noted := p.Finishing(c.now())
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
func (c *rotation) checkAfterwards(ctx context.Context, change *backend.Change, entered backend.Entry) {
	checked := &backend.Change{Integration: change.Integration, Before: change.After}
	found, err := c.checkTwice(ctx, entered, checked)
	var refused *backend.Error
	if err == nil && !checked.IdentityChanged && !found.KnownAs(change.After.Current) {
		if after, err := c.NoteFound(ctx, found); err == nil { // else the next check brings it
			change.After = after
		}
	}
	if checked.Unconfirmed {
		change.Unconfirmed = true
		change.Warnings = append(change.Warnings, "the new credential is in use; the upstream refused it once, and could not be asked again; it is checked again soon")
		return
	}
	if errors.As(err, &refused) && backend.Verdict(refused.Code) {
		change.Finding, _ = c.Mark(ctx, change.After, refused)
		change.Warnings = append(change.Warnings, "the new credential is in use, and its check failed: "+refused.Message)
	}
}

// finish removes upstream what was replaced, and then the note. It reports whether it
// did; else the sweep does it again.
func (c *rotation) finish(ctx context.Context, with providers.Credential, p *backend.Pending) bool {
	ctx, cancel := context.WithTimeout(ctx, c.Mount.ExchangeTimeout())
	defer cancel()
	err := c.rotator.Finish(ctx, c.Target(), with, p.Rotation)
	var cause *providers.Error
	if err == nil || errors.As(err, &cause) && !cause.CouldNotTell() {
		return c.pendings.Remove(ctx, c.RecordID) == nil
	}
	return false
}
