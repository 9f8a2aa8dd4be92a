package backend

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Report is what a worker saw of a token.
type Report struct {
	Fingerprint string
	// StatusCode is the status that the upstream answered with; 0 where not told.
	StatusCode int64
	// Remaining is what is left of the quota; nil where not told.
	Remaining *int64
	// ResetAt is when the quota is full again; zero where not told.
	ResetAt time.Time
	// Resource is what the quota is of: REST and GraphQL count apart.
	Resource string
}

// Refused reports whether the upstream did not take the token.
func (r Report) Refused() bool { return r.StatusCode == 401 }

// Spent reports whether the upstream said that nothing is left of the ordinary quota,
// which a check that asks about the token tells for sure.
func (r Report) Spent() bool {
	told := r.Remaining != nil && *r.Remaining <= 0 || r.Remaining == nil && r.StatusCode == 429 && !r.ResetAt.IsZero()
	return told && r.Resource == DefaultResource
}

// quota is what the report says of a quota, if it does.
func (r Report) quota(now time.Time) (Quota, bool) {
	limited := r.StatusCode == 429
	if r.Remaining == nil && !limited {
		return Quota{}, false
	}
	if r.Remaining == nil && r.ResetAt.IsZero() {
		// A limit without any number says nothing of the quota that others reported.
		return Quota{pausedUntil: now.Add(shortestReset), at: now}, true
	}
	var remaining int64
	if r.Remaining != nil {
		remaining = *r.Remaining
	}
	q := newQuota(remaining, r.ResetAt, now)
	if limited && (r.ResetAt.IsZero() || remaining > 0) {
		q.pausedUntil = now.Add(shortestReset)
	}
	return q, true
}

// Report notes what a worker saw of a token, in memory. A token that was refused is
// not handed out while another one lives, and the credential is checked soon.
func (c *Credentials) Report(ctx context.Context, name string, r Report) error {
	in, record, err := c.Read(ctx, name)
	if err != nil {
		return err
	}
	id, err := c.integrations.recordID(in)
	if err != nil {
		return err
	}
	if record.Current == nil {
		return NoCredential(in)
	}
	member, known := memberOf(record.Current, r.Fingerprint)
	if !known {
		return &Error{
			Code: CodeInvalidField, Integration: name, Provider: in.Provider, Fields: []string{"fingerprint"},
			Message: fmt.Sprintf("fingerprint is none of the tokens of version %d; read creds/%s again, the credential may have been replaced", record.Version, name),
		}
	}
	c.pools.report(id, record.Version, member, r, c.now())
	return nil
}

// memberOf finds a token by its fingerprint. A credential that is no pool is its own
// only token.
func memberOf(s *Stored, fingerprint string) (StoredMember, bool) {
	if len(s.Members) == 0 {
		return StoredMember{Fingerprint: s.Fingerprint, Identity: s.Identity, AccountID: s.AccountID, ExpiresAt: s.ExpiresAt}, fingerprint == s.Fingerprint
	}
	i := slices.IndexFunc(s.Members, func(m StoredMember) bool { return m.Fingerprint == fingerprint })
	if i < 0 {
		return StoredMember{}, false
	}
	return s.Members[i], true
}

// NoCredential is the refusal for an integration without a credential.
func NoCredential(in *Integration) *Error {
	return &Error{
		Code: CodeNoCredential, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("integration %q has no credential; re-authenticate with a write to reauth/%s", in.Name, in.Name),
	}
}
