package backend

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/vault/sdk/helper/salt"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

// fingerprintLength is in hexadecimal digits: 64 bits tell the tokens of a mount
// apart and fit on a line.
const fingerprintLength = 16

// fingerprints names secrets without revealing them: an HMAC under a key that
// is made once for each mount. Without the key a plain hash would let whoever
// reads an audit log test guesses, say of a password entered by mistake.
type fingerprints struct {
	view logical.Storage
	mu   sync.Mutex
	salt *salt.Salt
}

// key makes sure that the mount's key exists, so that later use writes nothing.
func (f *fingerprints) key(ctx context.Context) (*salt.Salt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.salt != nil {
		return f.salt, nil
	}
	// Not ended by the request, so that a key which is stored is the key in use.
	ctx, cancel := uncut(ctx)
	defer cancel()
	s, err := salt.NewSalt(ctx, f.view, nil)
	if err != nil {
		return nil, fmt.Errorf("storage: the fingerprint key: %w", err)
	}
	f.salt = s
	return s, nil
}

// of returns the fingerprint of the credential's secrets together, and of each
// token of a pool; of a single token both are the same.
func (f *fingerprints) of(ctx context.Context, auth providers.AuthType, cred providers.Credential) (whole string, members []string, err error) {
	key, err := f.key(ctx)
	if err != nil {
		return "", nil, err
	}
	var texts []string
	for _, field := range auth.Handed() {
		if !field.Kind.Secret() {
			continue
		}
		for _, secret := range cred.Values(field.Name) {
			texts = append(texts, secret.Reveal())
			if field.Kind == providers.Pool {
				members = append(members, key.GetHMAC(secret.Reveal())[:fingerprintLength])
			}
		}
	}
	return key.GetHMAC(strings.Join(texts, "\n"))[:fingerprintLength], members, nil
}
