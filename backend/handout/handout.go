package handout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/providers"
)

// Handouts hands credentials to workers and takes their reports. It is safe for concurrent
// use.
type Handouts struct {
	door     *credential.Door
	consents *oauth.Consents
	quotas   *quota.Pools
	findings Findings
	ids      RecordIDs
	now      func() time.Time
}

// Findings reads what checks found.
type Findings interface {
	Load(ctx context.Context, name string) (*backend.Finding, error)
}

// RecordIDs knows the keys of credential records.
type RecordIDs interface {
	RecordID(in *backend.Integration) (string, error)
}

// New returns the handouts of a mount.
func New(door *credential.Door, consents *oauth.Consents, quotas *quota.Pools, findings Findings, ids RecordIDs, now func() time.Time) *Handouts {
	return &Handouts{door: door, consents: consents, quotas: quotas, findings: findings, ids: ids, now: now}
}

// Handout is a credential for a worker.
type Handout struct {
	Integration *backend.Integration
	Record      *backend.Record
	// Member is the token of a pool to use, by its place; 0 where there is no pool.
	Member int
	// ReadAgainAt is when it is worth reading again, if that is known; zero where not.
	ReadAgainAt time.Time
	// Warning says what keeps the credential from being renewed, or that its quota is
	// gone; "" where nothing is wrong.
	Warning string
}

// HandOut returns the credential for a worker. An access token whose end is near is
// renewed first, once for however many readers, and the renewed one is stored before
// anybody gets it. While the old one lives it is handed out if the upstream is slow
// or down; a dead one never is. Where this node may not write it returns
// logical.ErrReadOnly, before anything is sent, so that Vault asks the active node;
// writable tells, and is only asked if that matters. Nil says that it may.
//
// Of a pool it chooses the token to use for resource; that is known where workers
// report, on the active node.
func (c *Handouts) HandOut(ctx context.Context, name, resource string, who backend.Actor, writable func() bool) (*Handout, error) {
	return c.HandOutBy(ctx, time.Time{}, name, resource, who, writable)
}

// HandOutBy is HandOut that waits for a renewal until by at most; zero for as long as any read
// does. The renewal goes on, and a token that has ended is refused.
func (c *Handouts) HandOutBy(ctx context.Context, by time.Time, name, resource string, who backend.Actor, writable func() bool) (*Handout, error) {
	in, record, err := c.door.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &Handout{Integration: in, Record: record}
	switch {
	case record.Current != nil && len(record.Current.Members) > 1:
		if writable != nil && !writable() {
			return nil, logical.ErrReadOnly // workers report to the active node
		}
		return c.choose(ctx, out, resource)
	case !record.Due(c.now()):
		return out, nil
	case !record.Current.Refreshable():
		return out.orDead(c.now(), nil)
	case writable != nil && !writable():
		return nil, logical.ErrReadOnly
	}
	renewed, err := c.consents.Fresh(ctx, by, in, record, who)
	if renewed != nil {
		out.Integration, out.Record = renewed.Integration, renewed.After
	}
	return out.orDead(c.now(), err)
}

// orDead refuses a token that has ended. One that lives is handed out, with a warning
// if it cannot be renewed; err is why the last refresh failed.
func (h *Handout) orDead(now time.Time, err error) (*Handout, error) {
	if h.Record.Current == nil || h.Record.Current.Access == nil { // replaced meanwhile
		return h, nil
	}
	access := h.Record.Current.Access
	if access.Due(now) && !h.Record.Current.Refreshable() {
		err = oauth.ConsentAgain(h.Integration, h.Record)
	}
	var refused *backend.Error
	switch {
	case access.Lives(now) && errors.As(err, &refused):
		h.Warning = fmt.Sprintf("the access token ends on %s and cannot be renewed now: %s", access.ExpiresAt.Format(time.RFC3339), refused.Error())
		return h, nil
	case access.Lives(now):
		return h, nil
	case err == nil:
		return nil, h.tooSlow()
	}
	return nil, err
}

// tooSlow is the refusal for a token that ended while its renewal was under way.
func (h *Handout) tooSlow() *backend.Error {
	return &backend.Error{
		Code: string(providers.Unreachable), Integration: h.Integration.Name, Provider: h.Integration.Provider,
		Message: fmt.Sprintf("the access token of integration %q has ended, and its renewal is still under way; read again in a moment", h.Integration.Name),
	}
}

// choose completes a handout of a pool.
func (c *Handouts) choose(ctx context.Context, out *Handout, resource string) (*Handout, error) {
	id, err := c.ids.RecordID(out.Integration)
	if err != nil {
		return nil, err
	}
	finding, err := c.findings.Load(ctx, out.Integration.Name)
	if err != nil {
		return nil, err
	}
	finding, current, now := finding.Of(out.Record.Version), out.Record.Current, c.now()
	usable := func(m backend.StoredMember) bool {
		return !finding.Members[m.Fingerprint].Verdict() && !current.Over(finding, m.Fingerprint, m.ExpiresAt, now)
	}
	var quota quota.Quota
	out.Member, quota = c.quotas.Choose(id, out.Record.Version, out.Record.Current.Members, resource, usable, now)
	if quota.Spent(now) {
		out.ReadAgainAt = quota.FullAt(now)
		out.Warning = fmt.Sprintf("the quota of every token that works is used up for %s; the next is full again on %s", resource, out.ReadAgainAt.UTC().Format(time.RFC3339))
	}
	return out, nil
}

// Report notes what a worker saw of a token, in memory. A token that was refused is
// not handed out while another one lives, and the credential is checked soon.
func (c *Handouts) Report(ctx context.Context, name string, r backend.Report) error {
	in, record, err := c.door.Read(ctx, name)
	if err != nil {
		return err
	}
	id, err := c.ids.RecordID(in)
	if err != nil {
		return err
	}
	if record.Current == nil {
		return backend.NoCredential(in)
	}
	member, known := backend.MemberOf(record.Current, r.Fingerprint)
	if !known {
		return &backend.Error{
			Code: backend.CodeInvalidField, Integration: name, Provider: in.Provider, Fields: []string{"fingerprint"},
			Message: fmt.Sprintf("fingerprint is none of the tokens of version %d; read creds/%s again, the credential may have been replaced", record.Version, name),
		}
	}
	c.quotas.Report(id, record.Version, member, r, c.now())
	return nil
}
