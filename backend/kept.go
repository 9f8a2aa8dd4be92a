package backend

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"

	"vault-plugin-secrets-sei/providers"
)

// demands stands for what a check of the integration demands of a credential beside that
// it works: the provider's own settings, such as the organisations that it must see. What
// is judged by what is stored, as required_scopes are, is not in it.
func (in *Integration) demands(spec providers.Spec, auth providers.AuthType) string {
	hash := sha256.New()
	fields := slices.Concat(spec.Settings, auth.Settings)
	settings := providers.WithDefaults(fields, in.Settings)
	for _, f := range fields {
		value := fmt.Sprint(settings.Means(f))
		if f.Kind == providers.List {
			value = fmt.Sprintf("%q", slices.Sorted(slices.Values(settings.List(f.Name))))
		}
		if !f.Kind.Secret() {
			_, _ = fmt.Fprintf(hash, "%s=%d:%s", f.Name, len(value), value)
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// inUse returns what the tokens of a pool that are in use already were verified as, in
// the order of cred; nil for the others. One counts only if what was demanded of it is
// what is demanded now, if its end has not come, and if no check since has found fault
// with it and no worker has reported it.
func (c *Credentials) inUse(ctx context.Context, in *Integration, spec providers.Spec, auth providers.AuthType, cred providers.Credential, change *Change) ([]*providers.Member, error) {
	current, field := change.Before.Current, poolOf(auth)
	if current == nil || field == "" || current.VerifiedFor != in.demands(spec, auth) {
		return nil, nil
	}
	found, err := c.findings.load(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	finding, stored := found.of(change.Before.Version), current.Credential.Values(field)
	id, err := c.integrations.recordID(in)
	if err != nil || len(stored) != len(current.Members) {
		return nil, err
	}
	reported := c.pools.reported(id, change.Before.Version)
	known := make([]*providers.Member, len(cred.Values(field)))
	for i, token := range cred.Values(field) {
		at := slices.IndexFunc(stored, func(s providers.Secret) bool { return equalSecrets(s, token) })
		if at < 0 {
			continue
		}
		m := current.Members[at]
		past := !m.ExpiresAt.IsZero() && !c.now().Before(m.ExpiresAt)
		if past || finding.Members[m.Fingerprint].verdict() || finding.verdict() || reported[m.Fingerprint] {
			continue
		}
		known[i] = &providers.Member{Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt}
	}
	return known, nil
}

// poolOf is the name of the field of a pool's tokens, "" where there is none.
func poolOf(auth providers.AuthType) string {
	for _, f := range auth.Fields {
		if f.Kind == providers.Pool {
			return f.Name
		}
	}
	return ""
}

func equalSecrets(a, b providers.Secret) bool {
	return subtle.ConstantTimeCompare([]byte(a.Reveal()), []byte(b.Reveal())) == 1
}

// tokensOf is what the check of a pool learnt of its tokens.
func tokensOf(s *Stored, v providers.Verified) []tokenCheck {
	if len(v.Members) < 2 {
		return nil
	}
	var found []tokenCheck
	for i, m := range v.Members {
		found = append(found, tokenCheck{member: s.Members[i], taken: !m.Kept, limited: m.Kept, quotas: m.Quotas})
	}
	return found
}
