package backend

import (
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// HasAlready reports whether it is the credential in use that was verified once more, a
// pool in whatever order: to take that for another would lose the one before it, and what
// the history says of it.
func (r *Record) HasAlready(next *Stored) bool {
	return r.Current != nil && r.Current.sameTokens(next) &&
		r.SameAccount(providers.Verified{Identity: next.Identity, AccountID: next.AccountID})
}

// Again returns the record with the credential that it has, as it was verified and entered
// now: the same version, history and credential before.
func (r *Record) Again(next *Stored) *Record {
	after, current := *r, *next
	current.Rotation, current.unknown = r.Current.Rotation, r.Current.unknown
	after.Current, after.Identity, after.AccountID = &current, next.Identity, next.AccountID
	return &after
}

// Found returns the record with what a check has found of the credential in use. Its secrets,
// where they may be sent, and what is of the swap, stay. It returns nil if that is another
// credential.
func (r *Record) Found(found *Stored) *Record {
	if r.Current == nil || r.Current.Fingerprint != found.Fingerprint {
		return nil
	}
	after, current := *r, *found
	current.Credential, current.Salt, current.Access = r.Current.Credential, r.Current.Salt, r.Current.Access
	current.Binding, current.VerifiedAt, current.Rotation, current.unknown = r.Current.Binding, r.Current.VerifiedAt, r.Current.Rotation, r.Current.unknown
	after.Current, after.Identity, after.AccountID = &current, current.Identity, current.AccountID
	return &after
}

// Prints are the fingerprints of a credential.
type Prints struct {
	Salt  string // under which they were made
	Whole string // of its secrets together
	// Members are of each token of a pool; of a single token both are the same.
	Members []string
}

// Fingerprints are those of what the record has.
func (r *Record) Fingerprints() map[string]bool {
	found := map[string]bool{}
	for _, s := range []*Stored{r.Current, r.Previous} {
		if s == nil {
			continue
		}
		found[s.Fingerprint] = true
		for _, m := range s.Members {
			found[m.Fingerprint] = true
		}
	}
	return found
}

// Record is a credential with its version and history, stored as one entry. The
// counter and the history outlive a forgotten credential. Values are immutable.
type Record struct {
	// Version counts the credentials this record has had; it never goes back.
	Version int `json:"version"`
	// Identity and AccountID are of the newest credential, also once it is forgotten.
	Identity  string `json:"identity,omitempty"`
	AccountID string `json:"account_id,omitempty"`
	// Current is the credential in use; nil before the first and after forgetting.
	Current *Stored `json:"current,omitempty"`
	// Previous is the credential before it, to roll back to until PreviousUntil; nil
	// where there is none.
	Previous      *Stored   `json:"previous,omitempty"`
	PreviousUntil time.Time `json:"previous_until,omitzero"`
	// Invited is the key of the last invitation that was used, which the Put of what it made
	// stores with it: it cannot be used again, whatever becomes of its own entry.
	Invited string `json:"invited,omitempty"`
	// History has the newest entry first.
	History []HistoryEntry `json:"history,omitempty"`
	// latest is the entry of the change that made this record, also where the history has
	// no room for it; nil for one that was read.
	latest  *HistoryEntry
	unknown store.Unknown
}

// Swapped returns the record with next as its credential, one version on.
func (r *Record) Swapped(next *Stored, cause Cause, who Actor, keep int) *Record {
	after := &Record{
		Version: r.Version + 1, Identity: next.Identity, AccountID: next.AccountID, Current: next, Invited: r.Invited, unknown: r.unknown,
	}
	after.remember(r, HistoryEntry{
		Version: after.Version, Time: next.VerifiedAt, Cause: cause,
		Identity: next.Identity, Fingerprint: next.Fingerprint, AccountFingerprint: next.AccountFingerprint, Actor: who,
		IdentityChanged: !r.SameAccount(providers.Verified{Identity: next.Identity, AccountID: next.AccountID}),
	}, keep)
	return after
}

// EntrySince is the entry of the change that made the record of the one before; nil where
// there is none.
func (r *Record) EntrySince(before *Record) *HistoryEntry {
	if r.latest == before.latest {
		return nil
	}
	return r.latest
}

// Holds reports whether there is a secret in the record, be it one that only a newer
// version knows.
func (r *Record) Holds() bool { return r.Current != nil || r.unknown.HoldCredentials() }

// Forgotten returns the record without its credential.
func (r *Record) Forgotten(at time.Time, who Actor, keep int) *Record {
	after := *r
	after.Current, after.Previous, after.PreviousUntil = nil, nil, time.Time{}
	after.unknown = r.unknown.WithoutCredentials()
	if r.Current == nil {
		return &after
	}
	after.remember(r, HistoryEntry{
		Version: r.Version, Time: at, Cause: CauseForget,
		Identity: r.Current.Identity, Fingerprint: r.Current.Fingerprint, AccountFingerprint: r.Current.AccountFingerprint, Actor: who,
	}, keep)
	return &after
}

// SameAccount reports whether the new credential belongs to the account of the
// one before; true where there was none.
func (r *Record) SameAccount(v providers.Verified) bool {
	return r.Version == 0 || SameAccount(r.Identity, r.AccountID, v.Identity, v.AccountID)
}

// WithPrevious returns the record with the credential before, to roll back to until then. One
// that the upstream renews itself cannot be gone back to; the same tokens in another order
// are none to go back to.
func (r *Record) WithPrevious(before *Record, until time.Time) *Record {
	after, previous := *r, before.Current
	switch {
	case previous == nil:
		return r
	case previous.sameTokens(r.Current):
		after.Previous, after.PreviousUntil = before.Previous, before.PreviousUntil
	case previous.Access == nil && until.After(r.Current.VerifiedAt):
		after.Previous, after.PreviousUntil = previous, until.UTC()
	default:
		return r
	}
	return &after
}

// UsedBy returns the record with the invitation that made it.
func (r *Record) UsedBy(invitation string) *Record {
	after := *r
	after.Invited = invitation
	return &after
}

// WithoutPrevious returns the record without the credential before.
func (r *Record) WithoutPrevious() *Record {
	after := *r
	after.Previous, after.PreviousUntil = nil, time.Time{}
	return &after
}

// recordJSON is Record as it is stored: with the secrets, which Record itself
// never encodes.
type recordJSON struct {
	*Record
	Fields         storedFields `json:"fields,omitempty"`
	PreviousFields storedFields `json:"previous_fields,omitempty"`
}

// storedFields are the values of a credential.
type storedFields map[string][]string

func fieldsOf(cred providers.Credential) storedFields {
	fields := storedFields{}
	for _, name := range cred.Fields() {
		for _, value := range cred.Values(name) {
			fields[name] = append(fields[name], value.Reveal())
		}
	}
	return fields
}

func credentialIn(fields storedFields) providers.Credential {
	values := make(map[string][]providers.Secret, len(fields))
	for name, texts := range fields {
		for _, text := range texts {
			values[name] = append(values[name], providers.NewSecret(text))
		}
	}
	return providers.NewCredential(values)
}

// EncodeRecord encodes a credential record as it is stored, with its secrets.
func EncodeRecord(r *Record) ([]byte, error) {
	wire := recordJSON{Record: r}
	if r.Current != nil {
		wire.Fields = fieldsOf(r.Current.Credential)
	}
	if r.Previous != nil {
		wire.PreviousFields = fieldsOf(r.Previous.Credential)
	}
	return r.unknown.Encode(wire)
}

// DecodeRecord decodes a stored credential record. Its error quotes nothing.
func DecodeRecord(_ string, data []byte) (_ *Record, err error) {
	wire := recordJSON{Record: &Record{}}
	if wire.unknown, err = store.DecodeKnown(data, &wire); err != nil {
		// The decoder's own message can quote what it read.
		return nil, errors.New("not a credential record")
	}
	for stored, fields := range map[*Stored]storedFields{wire.Current: wire.Fields, wire.Previous: wire.PreviousFields} {
		if stored == nil {
			continue
		}
		if stored.Credential = credentialIn(fields); stored.Credential.Empty() {
			return nil, errors.New("the credential record has no fields")
		}
	}
	return wire.Record, nil
}
