package backend

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// confirmPause is how long to wait before a rejection is asked about again.
const confirmPause = time.Second

// Watch checks credentials while nobody asks, and tells what is known of their health.
// It writes findings, and has Credentials renew, rotate, roll back and erase. It is safe
// for concurrent use.
type Watch struct {
	integrations *readOnly
	credentials  *Credentials
	findings     *findings
	backlog      *backlog
	faults       *faults
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
	// Notes are what else a check that was just made has to say.
	Notes []string
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
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	c := &handCheck{w: w, name: name, ends: time.Now().Add(timeByHand(ctx))}
	for range 2 {
		in, record, err := w.credentials.Read(ctx, name) // anew: both may be others by now
		if err != nil {
			return nil, err
		}
		if !w.checkable(in, record) {
			return w.seen(ctx, in, record)
		}
		more, err := c.round(ctx, in, record, mount)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	seen, err := w.Observe(ctx, name)
	if err == nil {
		seen.Notes = append(seen.Notes, c.notes...)
	}
	if err == nil && c.broke == nil {
		w.faults.over(name, DeedCheck)
	}
	return seen, err
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

// settle turns a result into the finding. It returns the tokens, by the keys of
// Stored.lives, that the result rejects, that were good so far, and whose rejection has
// not been confirmed: of these it changes nothing.
func (w *Watch) settle(ctx context.Context, r *result) (doubtful []string, err error) {
	name, version := r.in.Name, r.record.Version
	if err := w.learn(ctx, r); err != nil {
		return nil, err
	}
	release, err := w.locks.acquire(ctx, "health/"+name) // no integration has this name
	if err != nil {
		return nil, err
	}
	defer release()
	if same, err := w.same(ctx, r.in, version); err != nil || !same {
		return nil, err // it was replaced meanwhile, which was a check of its own
	}
	if !w.schedule.newest(name, version, r.turn) {
		return nil, nil // a check that began later knows better
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
	if after != before || w.findings.isUnsaved(name) {
		if err := w.findings.keep(ctx, name, after); err != nil {
			return nil, err
		}
	}
	if id, err := w.integrations.recordID(r.in); err == nil {
		w.credentials.pools.checked(id, version, r.tokens, r.asked, w.now())
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
		w.faults.over(in.Name, DeedCheck, DeedRefresh)
		w.schedule.renew(in.Name, w.now())
		if change.unconfirmed {
			w.schedule.suspect(in.Name, change.After.Version, []string{""})
			w.Soon(in.Name)
		}
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

// pause waits before a question is asked again, or ends with the context.
func pause(ctx context.Context) error {
	timer := time.NewTimer(confirmPause)
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
func (w *Watch) Soon(name string) { w.schedule.soon(name, longestConfirm, w.now()) }

// SoonOfQuota is Soon after the report of a quota that is used up, which a check finds to
// be so or not. It is no reason to check within five minutes of the last time: a check
// uses up some of the quotas of the other tokens.
func (w *Watch) SoonOfQuota(name string) { w.schedule.soon(name, quotaConfirm, w.now()) }

// Configured makes the sweep look at the configuration again: integrations or the
// mount were written.
func (w *Watch) Configured() { w.schedule.outdate() }
