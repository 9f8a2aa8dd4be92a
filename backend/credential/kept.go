package credential

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// usage is what is known of the tokens of a pool that is sent, in their order.
type usage struct {
	// known are what those in use already were verified as; nil for the others.
	known []*providers.Member
	// why says of one in use that is not known why its earlier check does not count.
	why []string
}

// inUse returns what the tokens of a pool that are in use already were verified as. One
// counts only if what was demanded of it is what is demanded now, if its end has not come,
// and if no check since has found fault with it and no worker has reported it.
func (c *Door) inUse(ctx context.Context, s *backend.Subject, cred providers.Credential, change *backend.Change) (usage, error) {
	current, field := change.Before.Current, poolOf(s.AuthType)
	if current == nil || field == "" {
		return usage{}, nil
	}
	found, err := c.findings.Load(ctx, s.Integration.Name)
	if err != nil {
		return usage{}, err
	}
	finding, stored := found.Of(change.Before.Version), current.Credential.Values(field)
	if len(stored) != len(current.Members) {
		return usage{}, nil
	}
	reported, sameDemands := c.quotas.Reported(s.RecordID, change.Before.Version), current.VerifiedFor == s.Demands()
	u := usage{make([]*providers.Member, len(cred.Values(field))), make([]string, len(cred.Values(field)))}
	for i, token := range cred.Values(field) {
		at := slices.IndexFunc(stored, func(s providers.Secret) bool { return backend.EqualSecrets(s, token) })
		if at < 0 {
			continue
		}
		m := current.Members[at]
		switch {
		case !sameDemands:
			u.why[i] = "the settings that decide what it must be able to do are not those that it was verified for"
		case !m.ExpiresAt.IsZero() && !c.now().Before(m.ExpiresAt):
			u.why[i] = "its end has passed"
		case finding.Members[m.Fingerprint].Verdict() || finding.Verdict():
			u.why[i] = "the last check found fault with it"
		case reported[m.Fingerprint]:
			u.why[i] = "a worker reported that it was refused"
		default:
			u.known[i] = &providers.Member{Identity: m.Identity, AccountID: m.AccountID, Scopes: m.Scopes, ExpiresAt: m.ExpiresAt}
		}
	}
	return u, nil
}

// explained says in the failure of a pool's check why tokens that are limited were not
// taken as they were verified when they came in.
func (u usage) explained(err error) error {
	var cause *providers.Error
	if !errors.As(err, &cause) {
		return err
	}
	told := *cause
	for _, bad := range cause.Bad {
		if i := bad.Position - 1; bad.Outcome == providers.RateLimited && i >= 0 && i < len(u.why) && u.why[i] != "" {
			told.Detail += fmt.Sprintf("; token %d is in use, but %s, so it must answer before it is taken again: leave it out, or wait until it is not limited", bad.Position, u.why[i])
		}
	}
	return &told
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

// tokensOf is what the check of a pool learnt of its tokens.
func tokensOf(s *backend.Stored, v providers.Verified) []backend.TokenCheck {
	if len(v.Members) < 2 {
		return nil
	}
	var found []backend.TokenCheck
	for i, m := range v.Members {
		found = append(found, backend.TokenCheck{Member: s.Members[i], Taken: !m.Kept, Limited: m.Kept, Quotas: m.Quotas})
	}
	return found
}
