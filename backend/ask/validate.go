package ask

import (
	"context"

	"vault-plugin-secrets-sei/providers"
)

// Handed is what of a credential is sent to the upstream and handed to workers: all
// that was entered, but of what an authorization server issued the access token only.
func Handed(auth providers.AuthType, cred providers.Credential) providers.Credential {
	if !auth.Exchanged() {
		return cred
	}
	values := map[string][]providers.Secret{}
	for _, f := range auth.Issued {
		values[f.Name] = cred.Values(f.Name)
	}
	return providers.NewCredential(values)
}

// GuardedValidate turns a panic into "could not tell": it may run in a goroutine of its
// own, and what was panicked with may quote a secret.
func GuardedValidate(ctx context.Context, p providers.Provider, t providers.Target, cred providers.Credential) (v providers.Verified, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			v, err = providers.Verified{}, &providers.Error{
				Outcome: providers.UpstreamError, Provider: p.Spec().Title, Detail: "the check broke off with an internal error",
				Panic: providers.Panicked(cause),
			}
		}
	}()
	v, err = p.Validate(ctx, t, cred)
	err = providers.Recognized(p.Spec().Name, cred, err)
	return KeepSecret(p, t, cred, v, err)
}
