package backend

import (
	"errors"
	"time"

	"vault-plugin-secrets-sei/providers"
)

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
	// History has the newest entry first.
	History []HistoryEntry `json:"history,omitempty"`
	// latest is the entry of the change that made this record, also where the history has
	// no room for it; nil for one that was read.
	latest  *HistoryEntry
	unknown unknown
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
	// Binding is the home of the integration that it was checked for, which is where it
	// may be sent; "" in records of earlier versions. See groups.home.
	Binding string `json:"binding,omitempty"`
	// APIVersion is the version of its API that the upstream was found to know, so that
	// later checks need not find it again; "" for the newest.
	APIVersion string    `json:"api_version,omitempty"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`
	VerifiedAt time.Time `json:"verified_at"`
	// VerifiedFor stands for what was demanded of it; see Integration.demands. Empty where
	// an earlier version did not note it.
	VerifiedFor string `json:"verified_for,omitempty"`
	// EndKnownAt is when a later check brought ExpiresAt; zero for that of the swap.
	EndKnownAt time.Time `json:"end_known_at,omitzero"`
	// Access is set for a credential that is an access token, which ends and is
	// renewed; ExpiresAt is then the end of what renews it, where that is known.
	Access *Access `json:"access,omitempty"`
	// Rotation is set for a credential that the engine let the upstream make.
	Rotation providers.Rotation `json:"rotation,omitempty"`
	unknown  unknown
}

// at is a target with what the check of s learnt of its upstream. A record without
// credential has learnt nothing.
func (s *Stored) at(t providers.Target) providers.Target {
	if s != nil {
		t.APIVersion = s.APIVersion
	}
	return t
}

// succeeded is the stored form of a successor that has not been checked: of the same
// account and with the same rights as the one before.
func (s *Stored) succeeded(successor providers.Credential, end, now time.Time) *Stored {
	next := *s
	next.Credential, next.Members = successor, nil
	next.ExpiresAt, next.EndKnownAt, next.VerifiedAt, next.unknown = end, time.Time{}, now.UTC(), nil
	return &next
}

// takeOver takes what is not of a check from the credential that was gone back to.
func (s *Stored) takeOver(previous *Stored) {
	s.Rotation, s.unknown = previous.Rotation, previous.unknown
}

// StoredMember is a token of a pool.
type StoredMember struct {
	Fingerprint string    `json:"fingerprint"`
	Identity    string    `json:"identity"`
	AccountID   string    `json:"account_id,omitempty"`
	Scopes      []string  `json:"scopes,omitzero"`
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	unknown     unknown
}

// swapped returns the record with next as its credential, one version on.
func (r *Record) swapped(next *Stored, cause Cause, who Actor, keep int) *Record {
	after := &Record{
		Version: r.Version + 1, Identity: next.Identity, AccountID: next.AccountID, Current: next, unknown: r.unknown,
	}
	after.remember(r, HistoryEntry{
		Version: after.Version, Time: next.VerifiedAt, Cause: cause,
		Identity: next.Identity, Fingerprint: next.Fingerprint, AccountFingerprint: next.AccountFingerprint, Actor: who,
		IdentityChanged: !r.sameAccount(providers.Verified{Identity: next.Identity, AccountID: next.AccountID}),
	}, keep)
	return after
}

// holds reports whether there is a secret in the record, be it one that only a newer
// version knows.
func (r *Record) holds() bool { return r.Current != nil || r.unknown.holdCredentials() }

// forgotten returns the record without its credential.
func (r *Record) forgotten(at time.Time, who Actor, keep int) *Record {
	after := *r
	after.Current, after.Previous, after.PreviousUntil = nil, nil, time.Time{}
	after.unknown = r.unknown.withoutCredentials()
	if r.Current == nil {
		return &after
	}
	after.remember(r, HistoryEntry{
		Version: r.Version, Time: at, Cause: CauseForget,
		Identity: r.Current.Identity, Fingerprint: r.Current.Fingerprint, AccountFingerprint: r.Current.AccountFingerprint, Actor: who,
	}, keep)
	return &after
}

// sameAccount reports whether the new credential belongs to the account of the
// one before; true where there was none.
func (r *Record) sameAccount(v providers.Verified) bool {
	return r.Version == 0 || sameAccount(r.Identity, r.AccountID, v.Identity, v.AccountID)
}

// keep notes the credential before, to roll back to until then. It is for whoever has
// just made the record. One that the upstream renews itself cannot be gone back to; the
// same tokens in another order are none to go back to.
func (r *Record) keep(before *Record, until time.Time) {
	previous := before.Current
	if previous != nil && previous.sameTokens(r.Current) {
		r.Previous, r.PreviousUntil = before.Previous, before.PreviousUntil
		return
	}
	if previous != nil && previous.Access == nil && until.After(r.Current.VerifiedAt) {
		r.Previous, r.PreviousUntil = previous, until.UTC()
	}
}

// erased returns the record without the credential before.
func (r *Record) erased() *Record {
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

func encodeRecord(r *Record) ([]byte, error) {
	wire := recordJSON{Record: r}
	if r.Current != nil {
		wire.Fields = fieldsOf(r.Current.Credential)
	}
	if r.Previous != nil {
		wire.PreviousFields = fieldsOf(r.Previous.Credential)
	}
	return r.unknown.encode(wire)
}

func decodeRecord(_ string, data []byte) (_ *Record, err error) {
	wire := recordJSON{Record: &Record{}}
	if wire.unknown, err = decodeKnown(data, &wire); err != nil {
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
