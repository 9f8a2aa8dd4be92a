package backend

import (
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// lesson is what a check of the credential in use was told by the upstream. Values are
// immutable.
type lesson struct {
	in       *Integration
	id       string
	provider providers.Provider
	auth     providers.AuthType
	// url is where the integration leads.
	url string
	// home is that of the integration, where the credential was asked about.
	home string
	// written is that home as a version noted it for which a line break counted.
	written string
	// version and fingerprint are those of the credential that was asked about, verified is
	// when it was last sent and checked by then.
	version     int
	fingerprint string
	verified    time.Time
	// turn is larger for a check that began later.
	turn uint64
	// at is when it began.
	at time.Time
	// told is by the keys of Stored.lives. Of a token that is not in it nothing was told.
	told map[string]providers.Verified
}

// taught returns the record with what the lesson says of its credential; the record that
// was given if that is the same, or if its credential is another one by now. Version and
// history stay: they are of the swap.
func (l *lesson) taught(before *Record) *Record {
	if before.Version != l.version || before.Current == nil || before.Current.Fingerprint != l.fingerprint {
		return before
	}
	if !before.Current.VerifiedAt.Equal(l.verified) {
		return before // the same credential was written again, and checked, since then
	}
	next := *before.Current
	if len(next.Members) > 1 {
		l.teachPool(&next)
	} else if v, ok := l.told[""]; ok && sameAccount(next.Identity, next.AccountID, v.Identity, v.AccountID) {
		l.teach(&next, v)
	}
	if next.Binding != "" {
		next.Binding = l.home // an earlier version may have noted the same place otherwise
	}
	previous := l.rehoused(before.Previous)
	if next.knownAs(before.Current) && previous == before.Previous {
		return before
	}
	if !next.ExpiresAt.Equal(before.Current.ExpiresAt) {
		next.EndKnownAt = l.at.UTC()
	}
	after := *before
	after.Current, after.Identity, after.AccountID = &next, next.Identity, next.AccountID
	after.Previous = previous
	return &after
}

// rehoused is the credential before the one in use with its home as it is noted now, or a
// change of the line break would take away what there is to go back to.
func (l *lesson) rehoused(previous *Stored) *Stored {
	if previous == nil || previous.Binding != l.written || l.written == l.home {
		return previous
	}
	again := *previous
	again.Binding = l.home
	return &again
}

// teach is taught for a single credential.
func (l *lesson) teach(s *Stored, v providers.Verified) {
	s.Identity, s.AccountID = orBefore(v.Identity, s.Identity), orBefore(v.AccountID, s.AccountID)
	if v.Scopes != nil {
		s.Scopes = v.Scopes
	}
	s.Scheme, s.APIVersion = orBefore(v.Scheme, s.Scheme), orBefore(v.APIVersion, s.APIVersion)
	if !shared(l.id) { // others spell the address otherwise
		s.URL = orBefore(v.URL, l.url)
	}
	if s.Access == nil { // else it is the end of what renews it
		s.ExpiresAt = knownEnd(v.ExpiresAt, v.NoEnd, s.ExpiresAt, l.auth, l.at)
	}
	if len(s.Members) == 1 && len(v.Members) == 1 {
		s.Members = []StoredMember{l.member(s.Members[0], v.Members[0])}
	}
}

// teachPool is taught for a pool. What is said of it as a whole follows from its tokens,
// and is worked out anew only if one of them has changed.
func (l *lesson) teachPool(s *Stored) {
	before := s.Members
	s.Members = slices.Clone(before)
	for i, m := range before {
		v := l.told[m.Fingerprint]
		if len(v.Members) == 1 && sameAccount(m.Identity, m.AccountID, v.Members[0].Identity, v.Members[0].AccountID) {
			s.Members[i] = l.member(m, v.Members[0])
		}
	}
	if slices.EqualFunc(before, s.Members, StoredMember.knownAs) {
		return
	}
	sum := providers.SumOf(l.provider, membersOf(s.Members))
	s.Identity, s.AccountID, s.Scopes, s.ExpiresAt = sum.Identity, sum.AccountID, sum.Scopes, sum.ExpiresAt
}

func (l *lesson) member(m StoredMember, told providers.Member) StoredMember {
	m.Identity, m.AccountID = orBefore(told.Identity, m.Identity), orBefore(told.AccountID, m.AccountID)
	if told.Scopes != nil {
		m.Scopes = told.Scopes
	}
	m.ExpiresAt = knownEnd(told.ExpiresAt, told.NoEnd, m.ExpiresAt, l.auth, l.at)
	return m
}

// sameAccount reports whether two descriptions are of one account: by the stable id where
// both have one.
func sameAccount(identity, id, otherIdentity, otherID string) bool {
	if id != "" && otherID != "" {
		return id == otherID
	}
	return identity == otherIdentity
}

func orBefore(told, before string) string {
	if told == "" {
		return before
	}
	return told
}

// knownAs reports whether the same is known of a credential.
func (s *Stored) knownAs(other *Stored) bool {
	return s.Identity == other.Identity && s.AccountID == other.AccountID && s.URL == other.URL && s.Binding == other.Binding && s.Scheme == other.Scheme && s.APIVersion == other.APIVersion &&
		s.ExpiresAt.Equal(other.ExpiresAt) && sameScopes(s.Scopes, other.Scopes) && slices.EqualFunc(s.Members, other.Members, StoredMember.knownAs)
}

func (m StoredMember) knownAs(other StoredMember) bool {
	return m.Identity == other.Identity && m.AccountID == other.AccountID && m.ExpiresAt.Equal(other.ExpiresAt) && sameScopes(m.Scopes, other.Scopes)
}

// sameScopes tells no scopes from none that are known.
func sameScopes(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }
