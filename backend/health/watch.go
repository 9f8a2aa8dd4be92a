package health

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/backend/rotation"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Watch checks credentials and tells what is known of their health. It writes findings, and
// has access tokens renewed. It is safe for concurrent use.
type Watch struct {
	configurations Configuration
	door           *credential.Door
	consents       *oauth.Consents
	handouts       *handout.Handouts
	findings       *finding.Findings
	faults         *fault.Faults
	mounts         Mounts
	quotas         *quota.Pools
	troubles       Troubles
	sightings      *Sightings
	turns          Turns
	now            func() time.Time
	notify         backend.Notify

	listing store.Locks
	latest  atomic.Pointer[Snapshot]
	counted CountCheck // nil where nobody counts
}

// Configuration is all that a watch may do with configuration.
type Configuration interface {
	List(ctx context.Context) ([]string, error)
	// Cached reports whether a read of an integration would touch no storage.
	Cached(name string) bool
	// Version grows with every change.
	Version() uint64
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *backend.Integration) (*backend.Subject, error)
	// RecordID is the key of the integration's credential record.
	RecordID(in *backend.Integration) (string, error)
	// Destination stands for where a credential of the integration is sent, Host is what it names.
	Destination(in *backend.Integration) string
	// DestinationAsWritten is the destination as a version noted it for which a line break counted.
	DestinationAsWritten(in *backend.Integration) string
	Host(in *backend.Integration) string
}

// Troubles knows why credentials are not rotated by themselves.
type Troubles interface {
	// Of returns why, nil where one is.
	Of(name string, version int) *rotation.Trouble
	// Version grows with every change.
	Version() uint64
}

// Mounts reads the settings of the mount.
type Mounts interface {
	Read(ctx context.Context) (*backend.Mount, error)
	// Version grows with every change.
	Version() uint64
}

// Turns is when checks go on by themselves.
type Turns interface {
	// Soon makes the sweep check an integration next.
	Soon(name string, now time.Time)
	// Replaced says that the credential of an integration was.
	Replaced(name string, now time.Time)
	// Lend gives another question at a host to a check that is under way, if most are not
	// under way and no other check waits for it.
	Lend(hostname string, most int, now time.Time) (giveBack func(), ok bool)
}

// Dependencies are what a watch is made of. None may be nil. New keeps them, and nobody else
// reads this struct: its fields are exported for a literal in package mounted.
type Dependencies struct {
	Configuration Configuration
	Door          *credential.Door
	Consents      *oauth.Consents
	Handouts      *handout.Handouts
	Findings      *finding.Findings
	Faults        *fault.Faults
	Mounts        Mounts
	Quotas        *quota.Pools
	Troubles      Troubles
	Sightings     *Sightings
	Turns         Turns
	Now           func() time.Time
	Notify        backend.Notify
}

// New returns the watch of a mount.
func New(i Dependencies) *Watch {
	return &Watch{
		configurations: i.Configuration, door: i.Door, consents: i.Consents, handouts: i.Handouts, findings: i.Findings, faults: i.Faults,
		mounts: i.Mounts, quotas: i.Quotas, troubles: i.Troubles, sightings: i.Sightings, turns: i.Turns, now: i.Now, notify: i.Notify,
	}
}

// Assessment is the health of an integration and what it was judged from.
type Assessment struct {
	Integration *backend.Integration
	// RecordID is the key of Record.
	RecordID string
	Record   *backend.Record
	Health   Health
	// IdleEnd is when the upstream ends the credential if nobody uses it until then,
	// counted from the last use that this node knows of; zero where it does not.
	IdleEnd time.Time
	// Notes are what else a check that was just made has to say.
	Notes []string
	// Trouble is why the credential could not be rotated by itself; nil where nothing
	// is wrong.
	Trouble *rotation.Trouble
}

// Health returns what is known. It asks nobody and, once cached, touches no storage.
func (w *Watch) Health(ctx context.Context, name string) (*Assessment, error) {
	in, record, err := w.door.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	return w.assess(ctx, in, record)
}

func (w *Watch) assess(ctx context.Context, in *backend.Integration, record *backend.Record) (*Assessment, error) {
	mount, err := w.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	finding, err := w.findings.Load(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	subject, err := w.subject(in, mount)
	if err != nil {
		return nil, err
	}
	s := w.facts(subject, record, finding)
	assessed := &Assessment{Integration: in, RecordID: subject.RecordID, Record: record, Health: s.health(), Trouble: w.troubles.Of(in.Name, record.Version)}
	assessed.IdleEnd = s.idleEnd(assessed.Health)
	return assessed, nil
}

func (w *Watch) facts(s *backend.Subject, record *backend.Record, finding *backend.Finding) facts {
	in, id, idle := s.Integration, s.RecordID, time.Duration(0)
	if idler, ok := s.Provider.(providers.Idler); ok {
		idle = idler.IdleLife(s.Target())
	}
	return facts{
		in: in, auth: s.AuthType, idle: idle, record: record, finding: finding.Of(record.Version), checked: w.sightings.checkedAt(in.Name, record.Version),
		warning: s.Mount.ExpiryWarning, now: w.now(),
		quotas: func(account string) map[string]quota.Quota {
			return w.quotas.QuotasOf(id, record.Version, account)
		},
	}
}

// Check asks the upstream now. A rejection is confirmed by a second question before it
// counts.
func (w *Watch) Check(ctx context.Context, name string) (*Assessment, error) {
	mount, err := w.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	c := &handCheck{w: w, name: name, ends: time.Now().Add(timeByHand(ctx))}
	for range 2 {
		in, record, err := w.door.Read(ctx, name) // anew: both may be others by now
		if err != nil {
			return nil, err
		}
		subject, err := w.subject(in, mount)
		if err != nil {
			return nil, err
		}
		if !checkable(subject, record) {
			return w.assess(ctx, in, record)
		}
		more, err := c.round(ctx, subject, record)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	assessed, err := w.Observe(ctx, name)
	if err == nil {
		assessed.Notes = append(assessed.Notes, c.notes...)
	}
	if err == nil && c.broke == nil {
		w.faults.Over(name, fault.DeedCheck)
	}
	return assessed, err
}

// checkable reports whether there is something that the upstream can be asked about.
func checkable(s *backend.Subject, record *backend.Record) bool {
	return record.Current != nil && s.AuthType.Unsupported == ""
}

// settle turns a result into the finding. It returns the tokens, by fingerprint for a pool,
// else by "", that the result rejects, that were good so far, and whose rejection has
// not been confirmed: of these it changes nothing.
func (w *Watch) settle(ctx context.Context, r *result) (doubtful []string, err error) {
	name, version := r.subject.Integration.Name, r.Record.Version
	if err := w.learn(ctx, r); err != nil {
		return nil, err
	}
	held, err := w.findings.Hold(ctx, name)
	if err != nil {
		return nil, err
	}
	defer held.Release()
	if now, err := w.Unchanged(ctx, r.subject.Integration, r.subject.RecordID, version); err != nil || r.outdated(now) {
		return nil, err // it was replaced or verified again meanwhile, which was a check of its own
	}
	if !w.sightings.newest(name, version, r.turn) {
		return nil, nil // a check that began later knows better
	}
	stored, err := held.Load(ctx)
	if err != nil {
		return nil, err
	}
	before := stored.Of(version)
	doubtful = r.rejections(before, w.sightings.suspects(name, version))
	if slices.Contains(doubtful, "") {
		return doubtful, nil
	}
	r.keepVerdicts(before, doubtful)
	if before.Stands(&r.Result) {
		r.notes = append(r.notes, "the upstream did not judge the credential this time, so what was found before stands: "+r.Message)
	}
	after := before.After(&r.Result, w.now())
	if after != before || held.IsUnsaved() {
		if err := held.Keep(ctx, after); err != nil {
			return nil, err
		}
	}
	w.quotas.Checked(r.subject.RecordID, version, r.tokens, r.Asked, w.now())
	w.sightings.checked(name, version, w.now())
	return doubtful, nil
}

// Unchanged returns the record of an integration that still has the credential that it had, else
// nil. id is the key of the record that it had: another integration of the same name, or one
// that joined a group, can have the same version.
func (w *Watch) Unchanged(ctx context.Context, in *backend.Integration, id string, version int) (*backend.Record, error) {
	now, record, err := w.door.Read(ctx, in.Name)
	if err != nil {
		return nil, IgnoreUnknown(err)
	}
	have := id
	if now != in {
		have, err = w.configurations.RecordID(now)
	}
	if err != nil || now.ID != in.ID || have != id || record.Version != version || record.Current == nil {
		return nil, err
	}
	return record, nil
}

// IgnoreUnknown is nil for an integration that was deleted meanwhile.
func IgnoreUnknown(err error) error {
	if backend.HasCode(err, backend.CodeUnknownIntegration) {
		return nil
	}
	return err
}

// Observe judges the health and tells of a status that is another than before.
func (w *Watch) Observe(ctx context.Context, name string) (*Assessment, error) {
	for {
		before := w.sightings.judgements(name)
		assessed, err := w.Health(ctx, name)
		if err != nil {
			return nil, err
		}
		changed, current := w.sightings.judged(name, assessed.Health.Status, before)
		if changed {
			w.tellStatus(ctx, assessed)
		}
		if current {
			return assessed, nil
		} // else somebody who may know more was faster
	}
}

// Swapped is Observe after a swap, for each integration that it is good for. What was
// found of the credential before says nothing any more, so storage is not asked: what
// was found of the new one came with the change, and so did the integration as it is
// configured, since a swap has its record locked.
func (w *Watch) Swapped(ctx context.Context, change *backend.Change) []*Assessment {
	var all []*Assessment
	for _, in := range append([]*backend.Integration{change.Integration}, change.Siblings...) {
		var finding *backend.Finding
		if in == change.Integration {
			finding = change.Finding
		}
		s := change.Subject.Sibling(in)
		assessed := &Assessment{Integration: in, RecordID: s.RecordID, Record: change.After, Health: w.facts(s, change.After, finding).health()}
		w.faults.Over(in.Name, fault.DeedCheck, fault.DeedRefresh)
		w.turns.Replaced(in.Name, w.now())
		w.sightings.suspect(in.Name, change.After.Version, nil)
		if change.Unconfirmed {
			w.sightings.suspect(in.Name, change.After.Version, []string{""})
			w.turns.Soon(in.Name, w.now())
		}
		if changed, _ := w.sightings.judged(in.Name, assessed.Health.Status, w.sightings.judgements(in.Name)); changed {
			w.tellStatus(ctx, assessed)
		}
		all = append(all, assessed)
	}
	return all
}

func (w *Watch) tellStatus(ctx context.Context, assessed *Assessment) {
	w.notify(ctx, backend.Event{
		Type: backend.EventHealthChanged, Integration: assessed.Integration.Name, Provider: assessed.Integration.Provider,
		Version: assessed.Record.Version, Status: assessed.Health.Status, Code: assessed.Health.Code,
	})
}
