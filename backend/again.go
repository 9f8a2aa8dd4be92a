package backend

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// warnAgain is what to say of a credential that is in use already.
const warnAgain = "this is the credential in use already: it works, no new version was made, and what there is to roll back to is kept"

// hasAlready reports whether it is the credential in use that was verified once more, a
// pool in whatever order: to take that for another would lose the one before it, and what
// the history says of it.
func (r *Record) hasAlready(next *Stored) bool {
	return r.Current != nil && r.Current.sameTokens(next) &&
		r.sameAccount(providers.Verified{Identity: next.Identity, AccountID: next.AccountID})
}

// again returns the record with the credential that it has, as it was verified and entered
// now: the same version, history and credential before.
func (r *Record) again(next *Stored) *Record {
	after, current := *r, *next
	current.Rotation, current.unknown = r.Current.Rotation, r.Current.unknown
	after.Current, after.Identity, after.AccountID = &current, next.Identity, next.AccountID
	return &after
}

// VerifiedAgain is the record where next is the credential in use, which a check has just
// verified. Once it is stored, what was found against the credential is void.
func (h *Held) VerifiedAgain(change *Change, next *Stored) *Record {
	change.Again = true
	change.Warnings = append(change.Warnings, warnAgain)
	return change.Before.again(next)
}

// acquitted makes void what was found of the credential that a change verified again. It is
// for whoever has stored the record: of one that could not be stored all stays as it was. A
// request that ends meanwhile does not end it, for it would have to be sent again.
func (h *Held) acquitted(ctx context.Context, change *Change) error {
	if !change.After.Current.sameOrder(change.Before.Current) {
		h.door.quotas.unstick(h.RecordID)
	}
	ctx, cancel := uncut(ctx)
	defer cancel()
	for _, in := range append([]*Integration{change.Integration}, change.Siblings...) {
		if err := h.door.acquit(ctx, in, change.After); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stored) sameOrder(other *Stored) bool {
	return slices.EqualFunc(s.Members, other.Members, func(a, b StoredMember) bool { return a.Fingerprint == b.Fingerprint })
}

// acquit notes that a check has just verified the credential in use.
func (c *Door) acquit(ctx context.Context, in *Integration, record *Record) error {
	held, err := c.findings.hold(ctx, in.Name)
	if err != nil {
		return err
	}
	defer held.release()
	stored, err := held.load(ctx)
	if err != nil {
		return err
	}
	before := stored.of(record.Version)
	after := before.found(&Result{Record: record, Asked: c.now()}, c.now())
	if after == before {
		return nil
	}
	return held.save(ctx, after)
}

// asBefore completes a credential that is in use already and was sent again: an end that
// nobody contradicted stays. It returns what the person should know.
func (s *Stored) asBefore(current *Stored, auth providers.AuthType, v providers.Verified, entered time.Time) []string {
	s.Fingerprint = current.Fingerprint // that of its version, also in another order
	if len(s.Members) > 1 {
		s.keepEnds(current, auth, v)
		s.ExpiresAt = providers.FirstEnd(membersOf(s.Members))
		return nil
	}
	before := current.ExpiresAt
	if !entered.IsZero() || !v.ExpiresAt.IsZero() || v.NoEnd || before.IsZero() || s.Access != nil {
		return nil
	}
	told := before.UTC().Format(time.RFC3339)
	if !s.VerifiedAt.Before(before) {
		return []string{fmt.Sprintf("the end that was known, %s, has passed and the credential works, so it is dropped; no other end is known", told)}
	}
	s.ExpiresAt, s.EndKnownAt = before, current.EndKnownAt
	if len(s.Members) == 1 {
		s.Members[0].ExpiresAt = before
	}
	return []string{fmt.Sprintf("no other end was sent or told, so the one that was known stays: %s", told)}
}

// keepEnds is asBefore for the ends of a pool's tokens, in the order of v.
func (s *Stored) keepEnds(current *Stored, auth providers.AuthType, v providers.Verified) {
	for i := range s.Members {
		m := &s.Members[i]
		if before, known := memberOf(current, m.Fingerprint); known && i < len(v.Members) {
			m.ExpiresAt = knownEnd(m.ExpiresAt, v.Members[i].NoEnd, before.ExpiresAt, auth, s.VerifiedAt)
		}
	}
}

func membersOf(stored []StoredMember) []providers.Member {
	members := make([]providers.Member, 0, len(stored))
	for _, m := range stored {
		members = append(members, providers.Member{Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt})
	}
	return members
}
