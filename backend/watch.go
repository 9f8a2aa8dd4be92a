package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// confirmPause is how long Check waits before it asks again about a rejection.
const confirmPause = time.Second

// Watch checks credentials while nobody asks, and tells what is known of their health.
// It changes nothing but findings, and an OAuth credential that has to be renewed. It
// is safe for concurrent use.
type Watch struct {
	integrations *readOnly
	credentials  *Credentials
	findings     *table[Finding]
	mount        *MountSettings
	locks        *locks
	now          func() time.Time
	notify       Notify
	schedule     *schedule
}

// Seen is the health of an integration and what it was judged from.
type Seen struct {
	Integration *Integration
	Record      *Record
	Health      Health
	// IdleEnd is when the upstream ends the credential if nobody uses it until then,
	// counted from the last use that this node knows of; zero where it does not.
	IdleEnd time.Time
	// Trouble is why the credential could not be rotated by itself; nil where nothing
	// is wrong.
	Trouble *Trouble
}

// Health returns what is known. It asks nobody and, once cached, touches no storage.
func (w *Watch) Health(ctx context.Context, name string) (*Seen, error) {
	in, record, err := w.credentials.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return w.seen(ctx, in, record)
}

func (w *Watch) seen(ctx context.Context, in *Integration, record *Record) (*Seen, error) {
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	finding, err := w.findings.load(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	s, err := w.subject(in, record, finding, mount)
	if err != nil {
		return nil, err
	}
	seen := &Seen{Integration: in, Record: record, Health: s.health(), Trouble: w.schedule.trouble(in.Name)}
	seen.IdleEnd = w.idleEnd(in, mount, seen.Health)
	return seen, nil
}

func (w *Watch) subject(in *Integration, record *Record, finding *Finding, mount *Mount) (subject, error) {
	id, err := w.integrations.recordID(in)
	if err != nil {
		return subject{}, err
	}
	provider, err := w.integrations.Provider(in)
	if err != nil {
		return subject{}, err
	}
	auth, _ := provider.Spec().AuthType(in.AuthType)
	return subject{
		in: in, auth: auth, record: record, finding: finding.of(record.Version), checked: w.schedule.checkedAt(in.Name, record.Version),
		warning: mount.ExpiryWarning, now: w.now(),
		quotas: func(account string) map[string]Quota {
			return w.credentials.pools.quotasOf(id, record.Version, account)
		},
	}, nil
}

// idleEnd is Seen's. A check is a use, and so is the re-authentication.
func (w *Watch) idleEnd(in *Integration, mount *Mount, h Health) time.Time {
	provider, err := w.integrations.Provider(in)
	idler, ok := provider.(providers.Idler)
	if err != nil || !ok || h.CheckedAt.IsZero() {
		return time.Time{}
	}
	life := idler.IdleLife(in.target(provider.Spec(), mount))
	if life == 0 {
		return time.Time{}
	}
	return h.CheckedAt.Add(life)
}

// Check asks the upstream now. A rejection is confirmed by a second question before it
// counts.
func (w *Watch) Check(ctx context.Context, name string) (*Seen, error) {
	in, record, err := w.credentials.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	if !w.checkable(in, record) {
		return w.seen(ctx, in, record)
	}
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	for range 2 {
		result, err := w.look(ctx, in, record, mount)
		if err != nil {
			return nil, err
		}
		settled, err := w.settle(ctx, result)
		if err != nil {
			return nil, err
		}
		if settled {
			break
		}
		if err := pause(ctx, confirmPause); err != nil {
			return nil, err
		}
		w.schedule.suspect(name)
	}
	return w.Observe(ctx, name)
}

// checkable reports whether there is something that the upstream can be asked about.
func (w *Watch) checkable(in *Integration, record *Record) bool {
	provider, err := w.integrations.Provider(in)
	if err != nil || record.Current == nil {
		return false
	}
	auth, _ := provider.Spec().AuthType(in.AuthType)
	return auth.Unsupported == ""
}

// result is what one look came to.
type result struct {
	in         *Integration
	record     *Record
	code       string
	message    string
	members    map[string]MemberFinding
	retryAfter time.Duration
}

// look asks the upstream about a credential: of a pool, about each token.
func (w *Watch) look(ctx context.Context, in *Integration, record *Record, mount *Mount) (*result, error) {
	r := &result{in: in, record: record, members: map[string]MemberFinding{}}
	if record.Current.Access != nil {
		return r, w.lookAtAccess(ctx, r, mount)
	}
	if len(record.Current.Members) < 2 {
		return r, w.ask(ctx, r, record.Current.Credential, mount)
	}
	for i, member := range record.Current.Members {
		single := &result{in: in}
		field, tokens := poolField(record.Current.Credential, len(record.Current.Members))
		alone := providers.NewCredential(map[string][]providers.Secret{field: {tokens[i]}})
		if err := w.ask(ctx, single, alone, mount); err != nil {
			return nil, err
		}
		if single.code != "" {
			r.members[member.Fingerprint] = MemberFinding{Code: single.code, Message: single.message}
			r.retryAfter = max(r.retryAfter, single.retryAfter)
		}
	}
	return r, nil
}

// poolField finds the field of a pool's tokens.
func poolField(cred providers.Credential, n int) (string, []providers.Secret) {
	for _, name := range cred.Fields() {
		if values := cred.Values(name); len(values) == n && n > 1 {
			return name, values
		}
	}
	return "", make([]providers.Secret, n)
}

// lookAtAccess looks at an access token, which is renewed first if that is due.
func (w *Watch) lookAtAccess(ctx context.Context, r *result, mount *Mount) error {
	out, err := w.credentials.HandOut(ctx, r.in.Name, DefaultResource, Actor{Via: "health/" + r.in.Name}, true)
	var refused *Error
	switch {
	case errors.As(err, &refused):
		r.code, r.message, r.retryAfter = refused.Code, refused.Message, time.Duration(refused.RetryAfter)*time.Second
		return nil
	case err != nil:
		return err
	case out.Record.Current == nil:
		return nil
	}
	r.record = out.Record
	return w.ask(ctx, r, out.Record.Current.Credential, mount)
}

// ask validates one credential and notes the outcome.
func (w *Watch) ask(ctx context.Context, r *result, cred providers.Credential, mount *Mount) error {
	provider, err := w.integrations.Provider(r.in)
	if err != nil {
		return err
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(r.in.AuthType)
	_, err = validate(ctx, provider, r.in.target(spec, mount), handed(auth, cred))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var cause *providers.Error
	if err != nil && !errors.As(err, &cause) {
		return err
	}
	if cause != nil {
		r.code, r.message, r.retryAfter = string(cause.Outcome), cause.Error(), cause.RetryAfter
	}
	return nil
}

// settle turns a result into the finding. It returns false, and changes nothing, if the
// result rejects what was good so far and has not been confirmed.
func (w *Watch) settle(ctx context.Context, r *result) (bool, error) {
	release, err := w.locks.acquire(ctx, "health/"+r.in.Name) // no integration has this name
	if err != nil {
		return false, err
	}
	defer release()
	_, record, err := w.credentials.Read(ctx, r.in.Name)
	if err != nil || record.Version != r.record.Version || record.Current == nil {
		return true, ignoreUnknown(err) // it was replaced meanwhile, which was a check of its own
	}
	stored, err := w.findings.loadExact(ctx, r.in.Name)
	if err != nil {
		return false, err
	}
	before := stored.of(record.Version)
	if r.rejects(before) && !w.schedule.suspected(r.in.Name) {
		return false, nil
	}
	r.keepVerdicts(before)
	after := before.found(r.code, r.message, r.members, w.now())
	if after != before {
		if err := w.findings.save(ctx, r.in.Name, after); err != nil {
			return false, err
		}
	}
	if id, err := w.integrations.recordID(r.in); err == nil {
		w.credentials.pools.checked(id, record.Version)
	}
	w.schedule.checked(r.in.Name, record.Version, w.now())
	return true, nil
}

// rejects reports whether the result rejects something that was not rejected before.
func (r *result) rejects(before *Finding) bool {
	rejected := string(providers.Rejected)
	if r.code == rejected && before.Code != rejected {
		return true
	}
	for fingerprint, m := range r.members {
		if m.Code == rejected && before.Members[fingerprint].Code != rejected {
			return true
		}
	}
	return false
}

// keepVerdicts keeps what is known of tokens that could not be asked about this time.
func (r *result) keepVerdicts(before *Finding) {
	for fingerprint, m := range r.members {
		known := before.Members[fingerprint]
		if providers.Outcome(m.Code).CouldNotTell() && m.Code != string(providers.RateLimited) && verdict(known.Code) {
			r.members[fingerprint] = known
		}
	}
	if len(r.members) == 0 {
		r.members = nil
	}
}

// ignoreUnknown is nil for an integration that was deleted meanwhile.
func ignoreUnknown(err error) error {
	if HasCode(err, CodeUnknownIntegration) {
		return nil
	}
	return err
}

// Observe judges the health and tells of a status that is another than before.
func (w *Watch) Observe(ctx context.Context, name string) (*Seen, error) {
	seen, err := w.Health(ctx, name)
	if err != nil {
		return nil, err
	}
	w.observed(ctx, seen)
	return seen, nil
}

// Swapped is Observe after a swap, for each integration that it is good for. What was
// found of the credential before says nothing any more, so storage is not asked.
func (w *Watch) Swapped(ctx context.Context, change *Change) []*Seen {
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return nil // the sweep sees it, too
	}
	var all []*Seen
	for _, in := range append([]*Integration{change.Integration}, change.Siblings...) {
		s, err := w.subject(in, change.After, nil, mount)
		if err != nil {
			continue
		}
		seen := &Seen{Integration: in, Record: change.After, Health: s.health()}
		w.observed(ctx, seen)
		all = append(all, seen)
	}
	return all
}

func (w *Watch) observed(ctx context.Context, seen *Seen) {
	if !w.schedule.changed(seen.Integration.Name, seen.Health.Status) {
		return
	}
	w.notify(ctx, Event{
		Type: EventHealthChanged, Integration: seen.Integration.Name, Provider: seen.Integration.Provider,
		Version: seen.Record.Version, Status: seen.Health.Status, Code: seen.Health.Code,
	})
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a check was given up: %w", ctx.Err())
	}
}

// Soon makes the sweep check an integration next, if it checks it at all.
func (w *Watch) Soon(name string) { w.schedule.soon(name, w.now()) }

// Configured makes the sweep look at the configuration again: integrations or the
// mount were written.
func (w *Watch) Configured() { w.schedule.outdate() }
