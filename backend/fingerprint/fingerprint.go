package fingerprint

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/vault/sdk/helper/salt"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// fingerprintLength is in hexadecimal digits: 64 bits tell the tokens of a mount
// apart and fit on a line.
const fingerprintLength = 16

// Fingerprints names secrets without revealing them: an HMAC under a key that
// is made once for each mount. Without the key a plain hash would let a person who
// reads an audit log test guesses, say of a password entered by mistake.
//
// A fingerprint says something within its record alone: what is hashed begins with the
// record's salt. Else a person who may send guesses to one integration could hold the
// Fingerprints that come back against those that are shown of another.
type Fingerprints struct {
	view store.Only
	mu   sync.Mutex
	salt *salt.Salt
}

// New returns the fingerprints of a mount, whose key is the one entry of the storage.
func New(key store.Only) *Fingerprints { return &Fingerprints{view: key} }

// Key makes sure that the mount's key exists, so that later use writes nothing.
func (f *Fingerprints) Key(ctx context.Context) (*salt.Salt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.salt != nil {
		return f.salt, nil
	}
	// Not ended by the request, so that a key which is stored is the key in use.
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	s, err := salt.NewSalt(ctx, f.view, nil)
	if err != nil {
		return nil, fmt.Errorf("storage: the fingerprint key: %w", err)
	}
	f.salt = s
	return s, nil
}

// owner is the record that a credential is about to belong to.
type owner struct {
	*backend.Subject
	before *backend.Record
}

// Of returns the fingerprints of a credential in its record. Tokens that the record has
// from a version without salts keep theirs: workers and notes of rotations name them.
func (f *Fingerprints) Of(ctx context.Context, s *backend.Subject, before *backend.Record, cred providers.Credential) (backend.Prints, error) {
	o := owner{s, before}
	key, err := f.Key(ctx)
	if err != nil {
		return backend.Prints{}, err
	}
	p, known := backend.Prints{Salt: o.salt(key)}, o.before.Fingerprints()
	mark := func(text string) string {
		if old := shortened(key, text); known[old] {
			return old
		}
		return shortened(key, p.Salt+"\x00"+text)
	}
	whole, tokens := textsOf(s.AuthType, cred)
	p.Whole = mark(whole)
	for _, token := range tokens {
		p.Members = append(p.Members, mark(token))
	}
	return p, nil
}

// salt is the record's, which it has from its first credential until that is forgotten:
// as long as nobody can change where its credentials are sent. A new one follows from
// what nobody can bring about again elsewhere, so that validating tells the fingerprint
// that a re-authentication will give.
func (o owner) salt(key *salt.Salt) string {
	if o.before.Current != nil && o.before.Current.Salt != "" {
		return o.before.Current.Salt
	}
	return key.GetHMAC(fmt.Sprintf("salt\x00%s\x00%s\x00%d", o.RecordID, o.Binding(), o.before.Version))
}

// Account is the fingerprint of an account in the history of a record, "" where its id is
// not known.
func (f *Fingerprints) Account(ctx context.Context, id, accountID string) (string, error) {
	if accountID == "" {
		return "", nil
	}
	key, err := f.Key(ctx)
	if err != nil {
		return "", err
	}
	return shortened(key, "account\x00"+id+"\x00"+accountID), nil
}

// Names reports whether a fingerprint is that of a credential in a record, be it one that
// a version without salts gave.
func (f *Fingerprints) Names(ctx context.Context, auth providers.AuthType, s *backend.Stored, fingerprint string) (bool, error) {
	if s.Fingerprint == fingerprint {
		return true, nil
	}
	key, err := f.Key(ctx)
	if err != nil {
		return false, err
	}
	whole, _ := textsOf(auth, s.Credential)
	return shortened(key, whole) == fingerprint, nil
}

// textsOf are the secrets of a credential together, and the tokens of a pool.
func textsOf(auth providers.AuthType, cred providers.Credential) (whole string, tokens []string) {
	var texts []string
	for _, field := range auth.Handed() {
		if !field.Kind.Secret() {
			continue
		}
		for _, secret := range cred.Values(field.Name) {
			texts = append(texts, secret.Reveal())
			if field.Kind == providers.Pool {
				tokens = append(tokens, secret.Reveal())
			}
		}
	}
	return strings.Join(texts, "\n"), tokens
}

func shortened(key *salt.Salt, text string) string { return key.GetHMAC(text)[:fingerprintLength] }
