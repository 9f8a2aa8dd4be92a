package backend

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// adopt swaps the successor in with one Put and finishes upstream. Where the one before
// goes on working the successor is checked first. Where it is dead by then, nothing is
// better than what the upstream has just made, and it is checked afterwards.
func (c *Credentials) adopt(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) (*Change, error) {
	next := succeeding(change.Before.Current, p, c.now())
	if rotator.Overlaps() {
		checked, err := c.checkTwice(ctx, change.Integration, mount, p.entry(), change)
		if err != nil {
			return nil, err // it stays pending: the sweep asks again
		}
		next = checked
	}
	next.Rotation, next.Binding = p.Rotation, c.integrations.home(change.Integration)
	next.Fingerprint, next.Salt = p.Fingerprint, p.Salt // by which resume knows it
	change.After = change.Before.swapped(next, p.Cause, p.Actor, mount.HistoryLimit)
	if rotator.Overlaps() {
		change.After.keep(change.Before, c.now().Add(mount.RollbackWindow))
	}
	if err := c.put(ctx, change); err != nil {
		return nil, err
	}
	c.conclude(ctx, change, p, rotator, mount)
	return change, nil
}

// checkTwice is check, and asks once more after a moment if the credential is refused: where
// an upstream has just made one, parts of it may not know it yet. Only the second refusal
// counts. Where that could not be had the error is another one.
func (c *Credentials) checkTwice(ctx context.Context, in *Integration, mount *Mount, entry Entry, change *Change) (*Stored, error) {
	found, err := c.check(ctx, in, mount, entry, change)
	if !HasCode(err, string(providers.Rejected)) {
		return found, err
	}
	if err := pause(ctx); err != nil {
		return nil, err
	}
	change.unconfirmed = true
	found, err = c.check(ctx, in, mount, entry, change)
	change.unconfirmed = err != nil && !HasCode(err, string(providers.Rejected))
	return found, err
}

// conclude does what is left once the successor is in use: what it replaced is removed
// upstream, at once or when nobody can go back to it any more.
func (c *Credentials) conclude(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) {
	if !rotator.Overlaps() {
		c.checkAfterwards(ctx, change, mount, p.entry())
	}
	noted := p.finishing(c.now())
	if change.Before.Current != nil {
		noted.Replaced = change.Before.Current.Fingerprint
	}
	if change.After.Previous != nil {
		noted.FinishAt = change.After.PreviousUntil
	} else if c.finish(ctx, change.Integration, change.id, change.After.Current.Credential, p, rotator, mount) {
		return
	}
	if err := c.pending.save(ctx, change.id, noted); err != nil {
		c.refreshes.made(change.id, noted) // resume stores it
	}
}

// finishing is the note of a rotation whose successor is in use: without that, and with
// the time from which on what it replaced is to be removed upstream.
func (p *Pending) finishing(at time.Time) *Pending {
	noted := *p
	noted.Successor, noted.unknown = providers.Credential{}, p.unknown.withoutCredentials()
	noted.FinishAt = at.UTC()
	return &noted
}

// entry is the successor as a person would enter it.
func (p *Pending) entry() Entry { return Entry{Credential: p.Successor, ExpiresAt: p.ExpiresAt} }

// succeeding is the stored form of a successor that has not been checked: of the same
// account and with the same rights as the one before.
func succeeding(before *Stored, p *Pending, now time.Time) *Stored {
	next := *before
	next.Credential, next.Members = p.Successor, nil
	next.ExpiresAt, next.EndKnownAt, next.VerifiedAt, next.unknown = p.ExpiresAt, time.Time{}, now.UTC(), nil
	return &next
}

// checkAfterwards stores what a check finds of a credential that is in use already.
func (c *Credentials) checkAfterwards(ctx context.Context, change *Change, mount *Mount, entered Entry) {
	checked := &Change{Integration: change.Integration, Before: change.After}
	found, err := c.checkTwice(ctx, change.Integration, mount, entered, checked)
	var refused *Error
	if err == nil && !checked.IdentityChanged && !found.knownAs(change.After.Current) {
		after := *change.After
		found.VerifiedAt, found.Rotation = after.Current.VerifiedAt, after.Current.Rotation
		after.Current, after.Identity, after.AccountID = found, found.Identity, found.AccountID
		if c.records.save(ctx, change.id, &after) == nil { // else the next check brings it
			change.After = &after
		}
	}
	if checked.unconfirmed {
		change.unconfirmed = true
		change.Warnings = append(change.Warnings, "the new credential is in use; the upstream refused it once, and could not be asked again; it is checked again soon")
		return
	}
	if errors.As(err, &refused) && verdict(refused.Code) {
		change.finding, _ = c.mark(ctx, change.Integration, change.After, refused)
		change.Warnings = append(change.Warnings, "the new credential is in use, and its check failed: "+refused.Message)
	}
}

// mark stores as a finding that a credential is no good, and returns that.
func (c *Credentials) mark(ctx context.Context, in *Integration, record *Record, e *Error) (*Finding, error) {
	stored, err := c.findings.loadExact(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	finding := stored.of(record.Version).found(&result{in: in, record: record, code: e.Code, message: e.Message, unjudged: e.unjudged, asked: c.now()}, c.now())
	if err := c.findings.save(ctx, in.Name, finding); err != nil {
		return nil, err
	}
	return finding, nil
}

// finish removes upstream what was replaced, and then the note. It reports whether it
// did; else the sweep does it again.
func (c *Credentials) finish(ctx context.Context, in *Integration, id string, with providers.Credential, p *Pending, rotator providers.Rotator, mount *Mount) bool {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return false
	}
	err = rotator.Finish(ctx, in.target(provider.Spec(), mount), with, p.Rotation)
	var cause *providers.Error
	if err == nil || errors.As(err, &cause) && !cause.CouldNotTell() {
		return c.pending.remove(ctx, id) == nil
	}
	return false
}
