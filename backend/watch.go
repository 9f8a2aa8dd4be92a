package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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
	latest       atomic.Pointer[Snapshot]
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
	seen := &Seen{Integration: in, Record: record, Health: s.health(), Trouble: w.schedule.trouble(in.Name, record.Version)}
	seen.IdleEnd = w.idleEnd(in, mount, seen.Health)
	return seen, nil
}

func (w *Watch) subject(in *Integration, record *Record, finding *Finding, mount *Mount) (subject, error) {
	id, err := w.integrations.recordID(in)
	if err != nil {
		return subject{}, err
	}
	auth, _ := w.integrations.groups.spec(in).AuthType(in.AuthType)
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
	life := idler.IdleLife(in.target(w.integrations.groups.spec(in), mount))
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
		doubtful, err := w.settle(ctx, result)
		if err != nil {
			return nil, err
		}
		if len(doubtful) == 0 {
			break
		}
		if err := pause(ctx, confirmPause); err != nil {
			return nil, err
		}
		w.schedule.suspect(name, result.record.Version, doubtful)
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
	in     *Integration
	record *Record
	// asked is when it began.
	asked time.Time
	// taken are the tokens that the upstream took, by the keys of Stored.lives.
	taken      []string
	code       string
	message    string
	members    map[string]MemberFinding
	retryAfter time.Duration
}

// look asks the upstream about a credential: of a pool, about each token.
func (w *Watch) look(ctx context.Context, in *Integration, record *Record, mount *Mount) (*result, error) {
	r := &result{in: in, record: record, asked: w.now(), members: map[string]MemberFinding{}}
	if record.Current.Access != nil {
		return r, w.lookAtAccess(ctx, r, mount)
	}
	if len(record.Current.Members) < 2 {
		return r, w.ask(ctx, r, record.Current.Credential, mount)
	}
	return r, w.lookAtPool(ctx, r, mount)
}

// lookAtPool asks about one token after the other. Once the upstream cannot be reached
// that is so for all: to wait for the time limit of each would take too long.
func (w *Watch) lookAtPool(ctx context.Context, r *result, mount *Mount) error {
	current := r.record.Current
	field, tokens := poolField(current.Credential, len(current.Members))
	single := &result{in: r.in}
	for i, member := range current.Members {
		if single.code != string(providers.Unreachable) {
			single = &result{in: r.in}
			alone := providers.NewCredential(map[string][]providers.Secret{field: {tokens[i]}})
			if err := w.ask(ctx, single, alone, mount); err != nil {
				return err
			}
		}
		if len(single.taken) > 0 {
			r.taken = append(r.taken, member.Fingerprint)
		}
		if single.code != "" {
			r.members[member.Fingerprint] = MemberFinding{Code: single.code, Message: single.message}
			r.retryAfter = max(r.retryAfter, single.retryAfter)
		}
	}
	return nil
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
	out, err := w.credentials.HandOut(ctx, r.in.Name, DefaultResource, Actor{Via: "health/" + r.in.Name}, nil)
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
	if cause == nil || cause.Outcome != providers.Rejected && !cause.Outcome.CouldNotTell() {
		r.taken = []string{""}
	}
	return nil
}

// settle turns a result into the finding. It returns the tokens, by the keys of
// Stored.lives, that the result rejects, that were good so far, and whose rejection has
// not been confirmed: of these it changes nothing.
func (w *Watch) settle(ctx context.Context, r *result) (doubtful []string, err error) {
	name, version := r.in.Name, r.record.Version
	release, err := w.locks.acquire(ctx, "health/"+name) // no integration has this name
	if err != nil {
		return nil, err
	}
	defer release()
	if same, err := w.same(ctx, r.in, version); err != nil || !same {
		return nil, err // it was replaced meanwhile, which was a check of its own
	}
	stored, err := w.findings.loadExact(ctx, name)
	if err != nil {
		return nil, err
	}
	before := stored.of(version)
	doubtful = r.rejections(before, w.schedule.suspects(name, version))
	if slices.Contains(doubtful, "") {
		return doubtful, nil
	}
	r.keepVerdicts(before, doubtful)
	after := before.found(r, w.now())
	if after != before {
		if err := w.findings.save(ctx, name, after); err != nil {
			return nil, err
		}
	}
	if id, err := w.integrations.recordID(r.in); err == nil {
		w.credentials.pools.taken(id, version, r.taken, r.asked)
	}
	w.schedule.checked(name, version, w.now())
	return doubtful, nil
}

// same reports whether an integration still has the credential that it had. Another one
// of the same name, or one that joined a group, can have the same version.
func (w *Watch) same(ctx context.Context, in *Integration, version int) (bool, error) {
	now, record, err := w.credentials.Read(ctx, in.Name)
	if err != nil {
		return false, ignoreUnknown(err)
	}
	was, err := w.integrations.recordID(in)
	if err != nil {
		return false, err
	}
	is, err := w.integrations.recordID(now)
	return now.ID == in.ID && is == was && record.Version == version && record.Current != nil, err
}

// rejections are the tokens that the result rejects, that were not rejected before, and
// that are not suspected either.
func (r *result) rejections(before *Finding, suspected map[string]bool) []string {
	rejected := string(providers.Rejected)
	var list []string
	if r.code == rejected && before.Code != rejected && !suspected[""] {
		list = append(list, "")
	}
	for fingerprint, m := range r.members {
		if m.Code == rejected && before.Members[fingerprint].Code != rejected && !suspected[fingerprint] {
			list = append(list, fingerprint)
		}
	}
	return list
}

// keepVerdicts keeps what is known of a pool's tokens that could not be asked about
// this time, or whose rejection is doubtful.
func (r *result) keepVerdicts(before *Finding, doubtful []string) {
	for fingerprint, m := range r.members {
		known, was := before.Members[fingerprint]
		switch {
		case slices.Contains(doubtful, fingerprint) && !was:
			delete(r.members, fingerprint)
		case slices.Contains(doubtful, fingerprint), providers.Outcome(m.Code).CouldNotTell() && verdict(known.Code):
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
	for {
		before := w.schedule.judgements(name)
		seen, err := w.Health(ctx, name)
		if err != nil {
			return nil, err
		}
		changed, current := w.schedule.judged(name, seen.Health.Status, before)
		if changed {
			w.tellStatus(ctx, seen)
		}
		if current {
			return seen, nil
		} // else somebody who may know more was faster
	}
}

// Swapped is Observe after a swap, for each integration that it is good for. What was
// found of the credential before says nothing any more, so storage is not asked: what
// was found of the new one came with the change.
func (w *Watch) Swapped(ctx context.Context, change *Change) []*Seen {
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return nil // the sweep sees it, too
	}
	var all []*Seen
	for _, in := range append([]*Integration{change.Integration}, change.Siblings...) {
		var finding *Finding
		if in == change.Integration {
			finding = change.finding
		}
		s, err := w.subject(in, change.After, finding, mount)
		if err != nil {
			continue
		}
		seen := &Seen{Integration: in, Record: change.After, Health: s.health()}
		w.schedule.renew(in.Name, w.now())
		if changed, _ := w.schedule.judged(in.Name, seen.Health.Status, w.schedule.judgements(in.Name)); changed {
			w.tellStatus(ctx, seen)
		}
		all = append(all, seen)
	}
	return all
}

func (w *Watch) tellStatus(ctx context.Context, seen *Seen) {
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

// Soon makes the sweep check an integration next, if it checks it at all: not again
// within a minute, and not if it is known to need a person. Who reports is many.
func (w *Watch) Soon(name string) { w.schedule.soon(name, w.now()) }

// Configured makes the sweep look at the configuration again: integrations or the
// mount were written.
func (w *Watch) Configured() { w.schedule.outdate() }
