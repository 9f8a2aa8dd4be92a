package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-sei/providers"
)

const (
	// patience is how long a reader waits for a refresh while the token still lives.
	patience = 5 * time.Second
	// refreshPause is the shortest pause between a refresh that could not tell and the
	// next one; longestPause caps what an upstream asks for.
	refreshPause = 5 * time.Second
	longestPause = 10 * time.Minute
	// closePatience is how long the end of the engine waits for refreshes under way.
	closePatience = 10 * time.Second
)

// Handout is a credential for a worker.
type Handout struct {
	Integration *Integration
	Record      *Record
	// Member is the token of a pool to use, by its place; 0 where there is no pool.
	Member int
	// ReadAgainAt is when it is worth reading again, if that is known; zero where not.
	ReadAgainAt time.Time
	// Warning says what keeps the credential from being renewed, or that its quota is
	// gone; "" where nothing is wrong.
	Warning string
}

// refreshes are the refreshes under way and those that failed a moment ago, by the
// name of the integration: those that share a record have secrets of their own, and
// one that is wrong must not be held against another. The zero value is ready.
type refreshes struct {
	flights singleflight.Group
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	failed map[string]failedRefresh
	// unsaved are records that could not be stored after the upstream had issued new
	// tokens. Nobody gets them until they are.
	unsaved map[string]unsavedRefresh // by the key of the record
	// successors are those of rotations that could not be stored.
	successors map[string]*Pending
}

type failedRefresh struct {
	until time.Time
	err   error
}

type unsavedRefresh struct {
	before *Record // whose refresh token was traded
	grant  providers.Grant
	asked  time.Time
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
func (c *Credentials) HandOut(ctx context.Context, name, resource string, who Actor, writable func() bool) (*Handout, error) {
	in, record, err := c.Read(ctx, name)
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
	case !record.due(c.now()):
		return out, nil
	case !record.Current.refreshable():
		return out.orDead(c.now(), nil)
	case writable != nil && !writable():
		return nil, logical.ErrReadOnly
	}
	renewed, err := c.renew(ctx, in, record, who)
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
	if access.due(now) && !h.Record.Current.refreshable() {
		err = h.consentAgain()
	}
	var refused *Error
	switch {
	case access.lives(now) && errors.As(err, &refused):
		h.Warning = fmt.Sprintf("the access token ends on %s and cannot be renewed now: %s", access.ExpiresAt.Format(time.RFC3339), refused.Error())
		return h, nil
	case access.lives(now):
		return h, nil
	case err == nil:
		return nil, h.tooSlow()
	}
	return nil, err
}

// tooSlow is the refusal for a token that ended while its renewal was under way.
func (h *Handout) tooSlow() *Error {
	return &Error{
		Code: string(providers.Unreachable), Integration: h.Integration.Name, Provider: h.Integration.Provider,
		Message: fmt.Sprintf("the access token of integration %q has ended, and its renewal is still under way; read again in a moment", h.Integration.Name),
	}
}

// consentAgain is the refusal for a credential that cannot be renewed.
func (h *Handout) consentAgain() *Error {
	in, access := h.Integration, h.Record.Current.Access
	why := "there is no refresh token"
	if !access.RefusedAt.IsZero() {
		why = "the authorization server refused the refresh token on " + access.RefusedAt.Format(time.RFC3339)
	}
	if !access.RefreshingSince.IsZero() {
		why += fmt.Sprintf("; a refresh begun on %s ended without an answer that could be saved, and if the server had carried it out, the token that works was lost with it", access.RefreshingSince.Format(time.RFC3339))
	}
	return &Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the access token of integration %q ends on %s, and %s; a person must consent again: write to oauth/authorize/%s", in.Name, access.ExpiresAt.Format(time.RFC3339), why, in.Name),
	}
}

// renew joins the refresh of a record or begins it, and waits for its end: while the
// token lives, no longer than patience. It returns nil where it did not wait so long.
func (c *Credentials) renew(ctx context.Context, in *Integration, record *Record, who Actor) (*Change, error) {
	if err := c.refreshes.pausing(in.Name, c.now()); err != nil {
		return nil, err
	}
	flight, err := c.refreshes.join(in.Name, func() (any, error) { return c.refresh(context.WithoutCancel(ctx), in.Name, who) })
	if err != nil {
		return nil, err
	}
	var enough <-chan time.Time
	if record.Current.Access.lives(c.now()) {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case end := <-flight:
		renewed, _ := end.Val.(*Change)
		return renewed, end.Err
	case <-enough:
		return nil, nil //nolint:nilnil // it goes on without this reader
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh renews a record. It is not ended by a request: once the refresh token is
// sent, the answer must be saved. Waiting for the lock takes nothing off the time that
// it then has.
func (c *Credentials) refresh(ctx context.Context, name string, who Actor) (_ *Change, err error) {
	defer func() {
		if recover() != nil { // nobody above would catch it, and it may quote a secret
			err = errors.New("internal error while renewing an access token")
		}
		c.refreshes.note(name, c.now(), err)
	}()
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	in, id, release, err := c.lock(waiting, name)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.edit(ctx, in, id, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if !before.due(c.now()) || !before.Current.refreshable() {
			return before, nil // somebody else was faster
		}
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		return c.traded(ctx, mount, change, who)
	})
}

// traded trades the refresh token of a record. That a refresh began is stored before
// it is sent, which also proves that storage takes writes: the upstream may forget
// the old token at once.
func (c *Credentials) traded(ctx context.Context, mount *Mount, change *Change, who Actor) (*Record, error) {
	in, before, asked := change.Integration, change.Before, c.now()
	if kept, ok := c.refreshes.kept(change.id, before); ok {
		return c.renewed(ctx, change, kept.grant, kept.asked, who, mount)
	}
	client, err := c.client(in, mount)
	if err != nil {
		return nil, err
	}
	marked := before
	if before.Current.Access.RefreshingSince.IsZero() {
		marked = before.withAccess(func(a *Access) { a.RefreshingSince = asked.UTC().Truncate(time.Second) })
		if err := c.records.save(ctx, change.id, marked); err != nil {
			return nil, err
		}
	}
	token := before.Current.Credential.Value(providers.OAuthRefreshToken)
	grant, err := guarded(func() (providers.Grant, error) { return client.Refresh(ctx, token) })
	var cause *providers.Error
	switch {
	case errors.As(err, &cause) && cause.Outcome == providers.Rejected:
		// The mark of an earlier one stays: it says why.
		return before.withAccess(func(a *Access) { a.RefusedAt = asked.UTC() }), nil
	case errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError && marked != before:
		// It was answered, and nothing was issued. If this is not stored, the mark says
		// too much.
		_ = c.records.save(context.WithoutCancel(ctx), change.id, before)
		return nil, c.refused(ctx, in, before, err, nil)
	case err != nil:
		return nil, c.refused(ctx, in, before, err, nil)
	}
	grant = quiet(grant, token, in.Settings.Secret("client_secret"))
	c.refreshes.keep(change.id, unsavedRefresh{before, grant, asked})
	return c.renewed(ctx, change, grant, asked, who, mount)
}

func (c *Credentials) renewed(ctx context.Context, change *Change, grant providers.Grant, asked time.Time, who Actor, mount *Mount) (*Record, error) {
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return nil, err
	}
	auth, _ := provider.Spec().AuthType(change.Integration.AuthType)
	fingerprint, _, err := c.marks.of(ctx, auth, credentialOf(grant))
	if err != nil {
		return nil, err
	}
	return change.Before.refreshed(grant, fingerprint, asked, who, mount.HistoryLimit), nil
}

// join returns the end of the refresh of an integration, which fn begins if none is
// under way. It fails once the refreshes are closed.
func (r *refreshes) join(name string, fn func() (any, error)) (<-chan singleflight.Result, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	flight, end := r.flights.DoChan(name, fn), make(chan singleflight.Result, 1)
	go func() {
		defer r.running.Done()
		end <- <-flight
	}()
	return end, nil
}

// begin counts something whose result close waits for. It fails once they are closed.
func (r *refreshes) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("the engine is shutting down")
	}
	r.running.Add(1)
	return nil
}

// close lets no refresh begin and waits for those under way, for a while: an answer
// that is not saved may be lost for good.
func (r *refreshes) close(wait time.Duration) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// pausing returns the error of a refresh that failed a moment ago, while it is too
// early for the next.
func (r *refreshes) pausing(name string, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.failed[name]; ok && now.Before(f.until) {
		return f.err
	}
	return nil
}

// note remembers how a refresh ended.
func (r *refreshes) note(name string, now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for old, f := range r.failed {
		if old == name || !now.Before(f.until) {
			delete(r.failed, old)
		}
	}
	if err == nil {
		return
	}
	pause := refreshPause
	var refused *Error
	if errors.As(err, &refused) {
		pause = min(max(pause, time.Duration(refused.RetryAfter)*time.Second), longestPause)
	}
	if r.failed == nil {
		r.failed = map[string]failedRefresh{}
	}
	r.failed[name] = failedRefresh{until: now.Add(pause), err: err}
}

// keep holds what was issued until it is stored.
func (r *refreshes) keep(id string, u unsavedRefresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsaved == nil {
		r.unsaved = map[string]unsavedRefresh{}
	}
	r.unsaved[id] = u
}

// kept returns what was issued for the credential of a record and could not be stored.
func (r *refreshes) kept(id string, record *Record) (unsavedRefresh, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.unsaved[id]
	return u, ok && u.before.Version == record.Version && u.before.Current.Fingerprint == record.Current.Fingerprint
}

// saved forgets what was to be stored: the record was.
func (r *refreshes) saved(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.unsaved, id)
}

// made holds a successor until it is stored; nil says that it is.
func (r *refreshes) made(id string, p *Pending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.successors == nil {
		r.successors = map[string]*Pending{}
	}
	if p == nil {
		delete(r.successors, id)
		return
	}
	r.successors[id] = p
}

// forget drops what could not be stored of a record that is gone.
func (r *refreshes) forget(id string) {
	r.saved(id)
	r.made(id, nil)
}

// unsavedSuccessor returns what made holds.
func (r *refreshes) unsavedSuccessor(id string) *Pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.successors[id]
}

// refreshNow is Rotate of an OAuth credential: its tokens are renewed although they are
// not due. Unlike a refresh that was due it raises the version, since somebody asked.
func (c *Credentials) refreshNow(ctx context.Context, in *Integration, id string, mount *Mount, who Actor) (*Change, error) {
	change, err := c.edit(context.WithoutCancel(ctx), in, id, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if before.Current == nil {
			return nil, NoCredential(in)
		}
		if !before.Current.refreshable() {
			return nil, (&Handout{Integration: in, Record: before}).consentAgain()
		}
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		renewed, err := c.traded(ctx, mount, change, who)
		if err != nil || renewed.Current.Fingerprint == before.Current.Fingerprint {
			return renewed, err // refused for good
		}
		next := *renewed.Current
		next.VerifiedAt = c.now().UTC()
		return before.swapped(&next, CauseRotate, who, mount.HistoryLimit), nil
	})
	if err == nil && !change.After.Current.refreshable() && !change.After.Current.Access.RefusedAt.IsZero() {
		return nil, (&Handout{Integration: in, Record: change.After}).consentAgain()
	}
	return change, err
}
