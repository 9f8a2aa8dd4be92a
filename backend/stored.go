package backend

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// SameOrder reports whether the tokens of two pools stand in the same order.
func (s *Stored) SameOrder(other *Stored) bool {
	return slices.EqualFunc(s.Members, other.Members, func(a, b StoredMember) bool { return a.Fingerprint == b.Fingerprint })
}

// AsBefore completes a credential that is in use already and was sent again: an end that
// nobody contradicted stays. It returns what the person should know.
func (s *Stored) AsBefore(current *Stored, auth providers.AuthType, v providers.Verified, entered time.Time) []string {
	s.Fingerprint = current.Fingerprint // that of its version, also in another order
	if len(s.Members) > 1 {
		s.keepEnds(current, auth, v)
		s.ExpiresAt = providers.FirstEnd(MembersOf(s.Members))
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
		if before, known := MemberOf(current, m.Fingerprint); known && i < len(v.Members) {
			m.ExpiresAt = KnownEnd(m.ExpiresAt, v.Members[i].NoEnd, before.ExpiresAt, auth, s.VerifiedAt)
		}
	}
}

// MembersOf are stored tokens as providers describe them.
func MembersOf(stored []StoredMember) []providers.Member {
	members := make([]providers.Member, 0, len(stored))
	for _, m := range stored {
		members = append(members, providers.Member{Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt})
	}
	return members
}

// KnownEnd is the end of a credential that works, after a check told one, none (never), or
// nothing. What was known before stays, unless it has passed by now: then it was wrong, and
// is dropped if the upstream told it. One that a person entered stays until they correct it.
func KnownEnd(told time.Time, never bool, before time.Time, auth providers.AuthType, now time.Time) time.Time {
	switch {
	case !told.IsZero() || never:
		return told
	case before.IsZero() || now.Before(before) || auth.TakesEnd():
		return before
	}
	return time.Time{}
}

// Over reports whether a token's life has ended and no check since then has found that it
// works all the same. Its key is as in Finding.Outlived.
func (s *Stored) Over(f *Finding, key string, end, now time.Time) bool {
	if end.IsZero() || now.Before(end) {
		return false
	}
	return s.VerifiedAt.Before(end) && !slices.Contains(f.Outlived, key)
}

// lives are the ends of a credential as checks and health see them: of a pool by
// fingerprint, else by "".
func (s *Stored) lives() map[string]time.Time {
	if len(s.Members) < 2 {
		return map[string]time.Time{"": s.ExpiresAt}
	}
	return Ends(s)
}

// sameTokens reports whether two credentials of a record have the same secrets, in whatever
// order.
func (s *Stored) sameTokens(other *Stored) bool {
	return maps.Equal(s.tokens(), other.tokens())
}

// tokens are the fingerprints of the secrets.
func (s *Stored) tokens() map[string]bool {
	if len(s.Members) == 0 {
		return map[string]bool{s.Fingerprint: true}
	}
	tokens := map[string]bool{}
	for _, m := range s.Members {
		tokens[m.Fingerprint] = true
	}
	return tokens
}

// SameAccount reports whether two descriptions are of one account: by the stable id where
// both have one.
func SameAccount(identity, id, otherIdentity, otherID string) bool {
	if id != "" && otherID != "" {
		return id == otherID
	}
	return identity == otherIdentity
}

// KnownAs reports whether the same is known of a credential.
func (s *Stored) KnownAs(other *Stored) bool {
	return s.Identity == other.Identity && s.AccountID == other.AccountID && s.URL == other.URL && s.Binding == other.Binding && s.Scheme == other.Scheme && s.APIVersion == other.APIVersion &&
		s.ExpiresAt.Equal(other.ExpiresAt) && sameScopes(s.Scopes, other.Scopes) && slices.EqualFunc(s.Members, other.Members, StoredMember.KnownAs)
}

// KnownAs is as that of Stored.
func (m StoredMember) KnownAs(other StoredMember) bool {
	return m.Identity == other.Identity && m.AccountID == other.AccountID && m.ExpiresAt.Equal(other.ExpiresAt) && sameScopes(m.Scopes, other.Scopes)
}

// sameScopes tells no scopes from none that are known.
func sameScopes(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

// MemberOf finds a token by its fingerprint. A credential that is no pool is its own
// only token.
func MemberOf(s *Stored, fingerprint string) (StoredMember, bool) {
	if len(s.Members) == 0 {
		return StoredMember{Fingerprint: s.Fingerprint, Identity: s.Identity, AccountID: s.AccountID, ExpiresAt: s.ExpiresAt}, fingerprint == s.Fingerprint
	}
	i := slices.IndexFunc(s.Members, func(m StoredMember) bool { return m.Fingerprint == fingerprint })
	if i < 0 {
		return StoredMember{}, false
	}
	return s.Members[i], true
}

// Ends are the ends of a credential's tokens, by fingerprint.
func Ends(s *Stored) map[string]time.Time {
	tokens := map[string]time.Time{}
	for _, m := range s.Members {
		tokens[m.Fingerprint] = m.ExpiresAt
	}
	if len(tokens) == 0 {
		tokens[s.Fingerprint] = s.ExpiresAt
	}
	return tokens
}

// Stored is a verified credential and what its checks learnt, that of the swap and later
// ones; see lesson.
type Stored struct {
	Credential  providers.Credential `json:"-"` // see storedFields
	Fingerprint string               `json:"fingerprint"`
	// Salt is that of the fingerprints of its record, "" before there were salts.
	Salt string `json:"salt,omitempty"`
	// AccountFingerprint stands for AccountID where that is not told; "" where there is none.
	AccountFingerprint string `json:"account_fingerprint,omitempty"`
	// Members describes the tokens of a pool in the order of the credential's values.
	Members   []StoredMember `json:"members,omitempty"`
	Identity  string         `json:"identity"`
	AccountID string         `json:"account_id,omitempty"`
	// Scopes are nil where they are not known, and not nil where there are none.
	Scopes []string `json:"scopes,omitzero"`
	// URL is the root the credential was checked at, Scheme the way in which it was sent.
	URL    string `json:"url"`
	Scheme string `json:"scheme,omitempty"`
	// Binding is the destination of the integration that it was checked for, which is where it
	// may be sent; "" in records of earlier versions. See package config.
	Binding string `json:"binding,omitempty"`
	// APIVersion is the version of its API that the upstream was found to know, so that
	// later checks need not find it again; "" for the newest.
	APIVersion string    `json:"api_version,omitempty"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	VerifiedAt time.Time `json:"verified_at"`
	// VerifiedFor stands for what was demanded of it; see Integration.Demands. Empty where
	// an earlier version did not note it.
	VerifiedFor string `json:"verified_for,omitempty"`
	// EndKnownAt is when a later check brought ExpiresAt; zero for that of the swap.
	EndKnownAt time.Time `json:"end_known_at,omitzero"`
	// Access is set for a credential that is an access token, which ends and is
	// renewed; ExpiresAt is then the end of what renews it, where that is known.
	Access *Access `json:"access,omitempty"`
	// Rotation is set for a credential that the engine let the upstream make.
	Rotation providers.Rotation `json:"rotation,omitempty"`
	unknown  store.Unknown
}

// TargetOf is a target with what the check of s learnt of its upstream. A record without
// credential has learnt nothing.
func (s *Stored) TargetOf(t providers.Target) providers.Target {
	if s != nil {
		t.APIVersion = s.APIVersion
	}
	return t
}

// Succeeded is the stored form of a successor that has not been checked: of the same
// account and with the same rights as the one before.
func (s *Stored) Succeeded(successor providers.Credential, end, now time.Time) *Stored {
	next := *s
	next.Credential, next.Members = successor, nil
	next.ExpiresAt, next.EndKnownAt, next.VerifiedAt, next.unknown = end, time.Time{}, now.UTC(), nil
	return &next
}

// TakeOver takes what is not of a check from the credential that was gone back to.
func (s *Stored) TakeOver(previous *Stored) {
	s.Rotation, s.unknown = previous.Rotation, previous.unknown
}

// StoredMember is a token of a pool.
type StoredMember struct {
	Fingerprint string    `json:"fingerprint"`
	Identity    string    `json:"identity"`
	AccountID   string    `json:"account_id,omitempty"`
	Scopes      []string  `json:"scopes,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	unknown     store.Unknown
}
