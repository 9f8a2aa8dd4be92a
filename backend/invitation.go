package backend

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// MaxRefusals is how many credentials an upstream may refuse before the invitation ends.
const MaxRefusals = 5

// Invitation lets a person who has its token re-authenticate one integration, once. It is stored
// under the hash of its token, so that who reads storage keys cannot use it, and lives in
// storage alone, so that the leader may change. Values are immutable.
type Invitation struct {
	// Accessor names the invitation for everybody who must not use it.
	Accessor    string `json:"accessor"`
	Integration string `json:"integration"`
	// Binding stands for the integration as it was: one that was deleted and made again, or
	// that leads elsewhere by now, is another.
	Binding string `json:"binding"`
	// Account is whose credential is taken; nil for anybody's.
	Account *Account `json:"account,omitempty"`
	// Present is set where nobody named the account: it is that of the integration, and the
	// invitation is for it no longer once the integration has another.
	Present bool `json:"present,omitempty"`
	// Version is that of the record when the invitation was made, and Held whether there was
	// a credential in use.
	Version int    `json:"version,omitempty"`
	Held    bool   `json:"held,omitempty"`
	Note    string `json:"note,omitempty"`
	// Actor is who invited: the person who comes with the token is nobody to Vault.
	Actor
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// Refusals counts the credentials that the upstream refused.
	Refusals int `json:"refusals,omitempty"`
	// Sender is the target of notifications that the link went to, "" for one that somebody
	// asked for. A target has one of each integration.
	Sender  string `json:"sender,omitempty"`
	unknown store.Unknown
}

// Account is an account at an upstream.
type Account struct {
	Identity string `json:"identity"`
	ID       string `json:"id,omitempty"`
}

// Owns reports whether a credential belongs to the account.
func (a Account) Owns(v providers.Verified) bool {
	return SameAccount(a.Identity, a.ID, v.Identity, v.AccountID)
}

// Outlived reports whether the integration is no longer what the invitation was made for: one
// for the account that it has ends when it has another, or when its credential is forgotten,
// and the link of a message with the next swap.
func (i *Invitation) Outlived(record *Record) bool {
	if i.Sender != "" && i.Version != record.Version {
		return true
	}
	if !i.Present || i.Account == nil {
		return false
	}
	return i.Held && record.Current == nil || !SameAccount(i.Account.Identity, i.Account.ID, record.Identity, record.AccountID)
}

// InvitationKey is the key of an invitation: the hash of its token.
func InvitationKey(token providers.Secret) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(token.Reveal())))
}

// Guest is the person who uses the invitation in a request. The history names who invited.
func (i *Invitation) Guest(request Actor) Actor {
	return Actor{
		Via: "invite", EntityID: i.EntityID, DisplayName: i.DisplayName,
		RequestID: request.RequestID, Invitation: i.Accessor,
	}
}

// Refused returns the invitation after one more credential was refused; nil where that was
// the last one.
func (i *Invitation) Refused() *Invitation {
	after := *i
	after.Refusals++
	if after.Refusals >= MaxRefusals {
		return nil
	}
	return &after
}

// EncodeInvitation encodes an invitation as it is stored.
func EncodeInvitation(i *Invitation) ([]byte, error) { return i.unknown.Encode(i) }

// DecodeInvitation decodes a stored invitation. Its error quotes nothing.
func DecodeInvitation(_ string, data []byte) (_ *Invitation, err error) {
	i := &Invitation{}
	if i.unknown, err = store.DecodeKnown(data, i); err != nil {
		return nil, errors.New("not an invitation") // the decoder's message can quote what it read
	}
	return i, nil
}

// InvitationEnded says the same of every invitation that cannot be used, so that a guess
// tells nobody anything.
func InvitationEnded() *Error {
	return &Error{
		Code:    CodeInvitationEnded,
		Message: "the invitation is unknown, was used already, has ended, or is of an integration that has changed since; ask for a new one",
	}
}
