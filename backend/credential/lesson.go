package credential

import (
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Lesson is what a check of the credential in use was told by the upstream. Values are
// immutable.
type Lesson struct {
	In       *backend.Integration
	ID       string
	Provider providers.Provider
	Auth     providers.AuthType
	// URL is where the integration leads.
	URL string
	// Destination is that of the integration, where the credential was asked about.
	Destination string
	// DestinationAsWritten is that destination as a version noted it for which a line break counted.
	DestinationAsWritten string
	// Version and Fingerprint are those of the credential that was asked about, Verified is
	// when it was last sent and checked by then.
	Version     int
	Fingerprint string
	Verified    time.Time
	// Turn is larger for a check that began later.
	Turn uint64
	// At is when it began.
	At time.Time
	// Told is by fingerprint for a pool, else by "". Of a token that is not in it nothing was
	// told.
	Told map[string]providers.Verified
}

// taught returns the record with what the lesson says of its credential; the record that
// was given if that is the same, or if its credential is another one by now. Version and
// history stay: they are of the swap.
func (l *Lesson) taught(before *backend.Record) *backend.Record {
	if before.Version != l.Version || before.Current == nil || before.Current.Fingerprint != l.Fingerprint {
		return before
	}
	if !before.Current.VerifiedAt.Equal(l.Verified) {
		return before // the same credential was written again, and checked, since then
	}
	next := *before.Current
	if len(next.Members) > 1 {
		l.teachPool(&next)
	} else if v, ok := l.Told[""]; ok && backend.SameAccount(next.Identity, next.AccountID, v.Identity, v.AccountID) {
		l.teach(&next, v)
	}
	if next.Binding != "" {
		next.Binding = l.Destination // an earlier version may have noted the same place otherwise
	}
	previous := l.rebound(before.Previous)
	if next.KnownAs(before.Current) && previous == before.Previous {
		return before
	}
	if !next.ExpiresAt.Equal(before.Current.ExpiresAt) {
		next.EndKnownAt = l.At.UTC()
	}
	after := *before
	after.Current, after.Identity, after.AccountID = &next, next.Identity, next.AccountID
	after.Previous = previous
	return &after
}

// rebound is the credential before the one in use with its destination as it is noted now, or a
// change of the line break would take away what there is to go back to.
func (l *Lesson) rebound(previous *backend.Stored) *backend.Stored {
	if previous == nil || previous.Binding != l.DestinationAsWritten || l.DestinationAsWritten == l.Destination {
		return previous
	}
	again := *previous
	again.Binding = l.Destination
	return &again
}

// teach is taught for a single credential.
func (l *Lesson) teach(s *backend.Stored, v providers.Verified) {
	s.Identity, s.AccountID = orBefore(v.Identity, s.Identity), orBefore(v.AccountID, s.AccountID)
	if v.Scopes != nil {
		s.Scopes = v.Scopes
	}
	s.Scheme, s.APIVersion = orBefore(v.Scheme, s.Scheme), orBefore(v.APIVersion, s.APIVersion)
	if !backend.SharedRecord(l.ID) { // others spell the address otherwise
		s.URL = orBefore(v.URL, l.URL)
	}
	if s.Access == nil { // else it is the end of what renews it
		s.ExpiresAt = backend.KnownEnd(v.ExpiresAt, v.NoEnd, s.ExpiresAt, l.Auth, l.At)
	}
	if len(s.Members) == 1 && len(v.Members) == 1 {
		s.Members = []backend.StoredMember{l.member(s.Members[0], v.Members[0])}
	}
}

// teachPool is taught for a pool. What is said of it as a whole follows from its tokens,
// and is worked out anew only if one of them has changed.
func (l *Lesson) teachPool(s *backend.Stored) {
	before := s.Members
	s.Members = slices.Clone(before)
	for i, m := range before {
		v := l.Told[m.Fingerprint]
		if len(v.Members) == 1 && backend.SameAccount(m.Identity, m.AccountID, v.Members[0].Identity, v.Members[0].AccountID) {
			s.Members[i] = l.member(m, v.Members[0])
		}
	}
	if slices.EqualFunc(before, s.Members, backend.StoredMember.KnownAs) {
		return
	}
	sum := providers.SumOf(l.Provider, backend.MembersOf(s.Members))
	s.Identity, s.AccountID, s.Scopes, s.ExpiresAt = sum.Identity, sum.AccountID, sum.Scopes, sum.ExpiresAt
}

func (l *Lesson) member(m backend.StoredMember, told providers.Member) backend.StoredMember {
	m.Identity, m.AccountID = orBefore(told.Identity, m.Identity), orBefore(told.AccountID, m.AccountID)
	if told.Scopes != nil {
		m.Scopes = told.Scopes
	}
	m.ExpiresAt = backend.KnownEnd(told.ExpiresAt, told.NoEnd, m.ExpiresAt, l.Auth, l.At)
	return m
}

func orBefore(told, before string) string {
	if told == "" {
		return before
	}
	return told
}
