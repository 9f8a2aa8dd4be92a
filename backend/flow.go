package backend

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Flow is an authorization that was begun and not finished. It is stored under the
// hash of its state, so that who reads storage keys cannot finish it, and lives in
// storage alone, so that the leader may change. Values are immutable.
type Flow struct {
	Integration string `json:"integration"`
	// Binding stands for the settings the flow was begun with; see Integration.Binding.
	Binding   string           `json:"binding"`
	Verifier  providers.Secret `json:"-"` // see flowJSON
	ExpiresAt time.Time        `json:"expires_at"`
	// Number counts the flows of an integration that are open together, so that of two
	// that were begun at the same moment the older one is known; 0 in older versions'.
	Number int64 `json:"number,omitempty"`
	// InvitationKey is that of the invitation that it was begun by, "" for none.
	InvitationKey string `json:"invitation_key,omitempty"`
	// Actor is who began it: the person who comes back with a browser has no token.
	Actor
	unknown store.Unknown
}

// FlowKey is the key of a flow: the hash of its state.
func FlowKey(state providers.Secret) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(state.Reveal())))
}

// Confirmation is what whoever was asked about a code sends back with it. Only the engine
// can make it, of the flow's verifier, so that nothing but its own page leads to it: neither
// the address that a browser comes back to, nor an authorization server that is told to
// send a form in the place of a query.
func (f *Flow) Confirmation(state, code providers.Secret) providers.Secret {
	said := "confirm " + FlowKey(state) + " " + FlowKey(code) + " " + f.Verifier.Reveal() // always as long
	return providers.NewSecret(fmt.Sprintf("%x", sha256.Sum256([]byte(said))))
}

// Confirmed reports whether what was brought back has its confirmation.
func (f *Flow) Confirmed(back Returned) bool {
	want := f.Confirmation(back.State, back.Code).Reveal()
	return subtle.ConstantTimeCompare([]byte(want), []byte(back.Confirmation.Reveal())) == 1
}

// randomBytes are the bytes of a state and of a verifier: 256 bits, which makes 43
// characters, the fewest that a verifier may have (RFC 7636, section 4.1).
const randomBytes = 32

// RandomSecret returns text that nobody can guess.
func RandomSecret() providers.Secret {
	random := make([]byte, randomBytes)
	_, _ = rand.Read(random) // never fails
	return providers.NewSecret(base64.RawURLEncoding.EncodeToString(random))
}

// flowJSON is Flow as it is stored.
type flowJSON struct {
	*Flow
	Verifier string `json:"verifier"`
}

// EncodeFlow encodes a flow as it is stored.
func EncodeFlow(f *Flow) ([]byte, error) {
	return f.unknown.Encode(flowJSON{Flow: f, Verifier: f.Verifier.Reveal()})
}

// DecodeFlow decodes a stored flow. Its error quotes nothing.
func DecodeFlow(_ string, data []byte) (_ *Flow, err error) {
	wire := flowJSON{Flow: &Flow{}}
	if wire.unknown, err = store.DecodeKnown(data, &wire); err != nil {
		return nil, errors.New("not an open authorization") // the decoder's message can quote what it read
	}
	wire.Flow.Verifier = providers.NewSecret(wire.Verifier)
	return wire.Flow, nil
}

// Returned is what a browser brings back.
type Returned struct {
	State, Code providers.Secret
	// Confirmation says that the person was asked; see Flow.Confirmation. It is empty while
	// they were not.
	Confirmation providers.Secret
	// Denied is the code of an error that the authorization server sent in the place
	// of a code.
	Denied string
}

// Question is what a person is asked before the code that their browser brought back is
// exchanged.
type Question struct {
	Subject *Subject
	// Siblings are the other integrations that the credential will be for.
	Siblings []*Integration
	// Account is the only one whose credential is taken, "" for any; InUse is that of the
	// credential in use.
	Account, InUse string
	// Began is who began the authorization, or invited.
	Began Actor
	// Invitation is the one that it was begun by; nil for none. InvitationKey is its key.
	Invitation    *Invitation
	InvitationKey string
	ExpiresAt     time.Time
	// Confirmation is to be sent back with the code; empty where there is no code.
	Confirmation providers.Secret
}
