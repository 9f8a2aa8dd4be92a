package backend

import (
	"vault-plugin-secrets-sei/backend/store"
)

// MarshalJSON encodes what is stored of the credential beside its secrets.
func (s Stored) MarshalJSON() ([]byte, error) {
	type plain Stored
	return s.unknown.Encode(plain(s))
}

// UnmarshalJSON decodes it.
func (s *Stored) UnmarshalJSON(data []byte) (err error) {
	type plain Stored
	s.unknown, err = store.DecodeKnown(data, (*plain)(s))
	return err
}

// MarshalJSON encodes the token without its secret.
func (m StoredMember) MarshalJSON() ([]byte, error) {
	type plain StoredMember
	return m.unknown.Encode(plain(m))
}

// UnmarshalJSON decodes it.
func (m *StoredMember) UnmarshalJSON(data []byte) (err error) {
	type plain StoredMember
	m.unknown, err = store.DecodeKnown(data, (*plain)(m))
	return err
}

// MarshalJSON encodes the life of an access token.
func (a Access) MarshalJSON() ([]byte, error) {
	type plain Access
	return a.unknown.Encode(plain(a))
}

// UnmarshalJSON decodes it.
func (a *Access) UnmarshalJSON(data []byte) (err error) {
	type plain Access
	a.unknown, err = store.DecodeKnown(data, (*plain)(a))
	return err
}

// MarshalJSON encodes the entry.
func (e HistoryEntry) MarshalJSON() ([]byte, error) {
	type plain HistoryEntry
	return e.unknown.Encode(plain(e))
}

// UnmarshalJSON decodes it.
func (e *HistoryEntry) UnmarshalJSON(data []byte) (err error) {
	type plain HistoryEntry
	e.unknown, err = store.DecodeKnown(data, (*plain)(e))
	return err
}

// MarshalJSON encodes the outcome.
func (m MemberFinding) MarshalJSON() ([]byte, error) {
	type plain MemberFinding
	return m.unknown.Encode(plain(m))
}

// UnmarshalJSON decodes it.
func (m *MemberFinding) UnmarshalJSON(data []byte) (err error) {
	type plain MemberFinding
	m.unknown, err = store.DecodeKnown(data, (*plain)(m))
	return err
}
