package backend

import (
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Pending is a rotation that is about to happen, or under way. It is stored before the
// upstream is asked to make a successor, and again with the successor, before anybody
// uses that: wherever the engine is stopped, the next one finds it. Values are immutable.
type Pending struct {
	Integration string             `json:"integration"`
	Version     int                `json:"version"` // of the credential that it replaces
	Rotation    providers.Rotation `json:"rotation"`
	BegunAt     time.Time          `json:"begun_at"`
	// Successor is set once it was made; ExpiresAt is its end.
	Successor   providers.Credential `json:"-"` // see pendingJSON
	Fingerprint string               `json:"fingerprint,omitempty"`
	Salt        string               `json:"salt,omitempty"` // see Stored
	ExpiresAt   time.Time            `json:"expires_at,omitzero"`
	Actor
	Cause Cause `json:"cause"`
	// FinishAt is set once the successor is in use, and that is noted without it: when
	// the credential before, with the fingerprint Replaced, is removed upstream.
	Replaced string    `json:"replaced,omitempty"`
	FinishAt time.Time `json:"finish_at,omitzero"`
	unknown  store.Unknown
}

// pendingJSON is Pending as it is stored: with the successor's secrets.
type pendingJSON struct {
	*Pending
	Fields storedFields `json:"fields,omitempty"`
}

// EncodePending encodes the note of a rotation as it is stored.
func EncodePending(p *Pending) ([]byte, error) {
	return p.unknown.Encode(pendingJSON{Pending: p, Fields: fieldsOf(p.Successor)})
}

// DecodePending decodes a stored note of a rotation. Its error quotes nothing.
func DecodePending(_ string, data []byte) (_ *Pending, err error) {
	wire := pendingJSON{Pending: &Pending{}}
	if wire.unknown, err = store.DecodeKnown(data, &wire); err != nil {
		return nil, errors.New("not a rotation") // the decoder's message can quote what it read
	}
	wire.Successor = credentialIn(wire.Fields)
	return wire.Pending, nil
}

// Finishing is the note of a rotation whose successor is in use: without that, and with
// the time from which on what it replaced is to be removed upstream.
func (p *Pending) Finishing(at time.Time) *Pending {
	noted := *p
	noted.Successor, noted.unknown = providers.Credential{}, p.unknown.WithoutCredentials()
	noted.FinishAt = at.UTC()
	return &noted
}

// Entry is the successor as a person would enter it.
func (p *Pending) Entry() Entry { return Entry{Credential: p.Successor, ExpiresAt: p.ExpiresAt} }
