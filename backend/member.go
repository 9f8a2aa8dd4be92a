package backend

import (
	"fmt"
	"slices"
	"time"
)

// memberOf finds a token by its fingerprint. A credential that is no pool is its own
// only token.
func memberOf(s *Stored, fingerprint string) (StoredMember, bool) {
	if len(s.Members) == 0 {
		return StoredMember{Fingerprint: s.Fingerprint, Identity: s.Identity, AccountID: s.AccountID, ExpiresAt: s.ExpiresAt}, fingerprint == s.Fingerprint
	}
	i := slices.IndexFunc(s.Members, func(m StoredMember) bool { return m.Fingerprint == fingerprint })
	if i < 0 {
		return StoredMember{}, false
	}
	return s.Members[i], true
}

// NoCredential is the refusal for an integration without a credential.
func NoCredential(in *Integration) *Error {
	return &Error{
		Code: CodeNoCredential, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("integration %q has no credential; re-authenticate with a write to reauth/%s", in.Name, in.Name),
	}
}

// ends are the ends of a credential's tokens, by fingerprint.
func ends(s *Stored) map[string]time.Time {
	tokens := map[string]time.Time{}
	for _, m := range s.Members {
		tokens[m.Fingerprint] = m.ExpiresAt
	}
	if len(tokens) == 0 {
		tokens[s.Fingerprint] = s.ExpiresAt
	}
	return tokens
}
