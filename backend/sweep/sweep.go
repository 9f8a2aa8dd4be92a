package sweep

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/rotation"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/backend/swap"
)

const (
	// tick is how often Run looks for what is due.
	tick = time.Second
	// longestList is how often it looks for integrations that are new, and at the
	// calendar; more often if something is checked more often.
	longestList = time.Minute
	// maxFaults is how many integrations it cannot read before it gives up until the
	// next tick: storage is down.
	maxFaults = 10
)

// Sweeper does what is due without a request. It is safe for concurrent use.
type Sweeper struct {
	configurations health.Configuration
	mounts         credential.Mounts
	door           *credential.Door
	findings       *finding.Findings
	watch          *health.Watch
	sightings      *health.Sightings
	rotations      *rotation.Rotations
	troubles       *rotation.Troubles
	swaps          *swap.Swaps
	faults         *fault.Faults
	schedule       *Schedule
	now            func() time.Time
	notify         backend.Notify
}

// Dependencies are what a sweeper is made of. None may be nil. New keeps them, and nobody
// else reads this struct: its fields are exported for a literal in package mounted.
type Dependencies struct {
	Configuration health.Configuration
	Mounts        credential.Mounts
	Door          *credential.Door
	Findings      *finding.Findings
	Watch         *health.Watch
	Sightings     *health.Sightings
	Rotations     *rotation.Rotations
	Troubles      *rotation.Troubles
	Swaps         *swap.Swaps
	Faults        *fault.Faults
	Schedule      *Schedule
	Now           func() time.Time
	Notify        backend.Notify
}

// New returns the sweeper of a mount.
func New(c Dependencies) *Sweeper {
	return &Sweeper{
		configurations: c.Configuration, mounts: c.Mounts, door: c.Door, findings: c.Findings, watch: c.Watch, sightings: c.Sightings,
		rotations: c.Rotations, troubles: c.Troubles, swaps: c.Swaps, faults: c.Faults, schedule: c.Schedule, now: c.Now, notify: c.Notify,
	}
}

// Soon makes the sweep check an integration next, if it checks it at all: not again
// within a minute, and not if it is known to need a person. Who reports is many.
func (w *Sweeper) Soon(name string) { w.schedule.soon(name, longestConfirm, w.now()) }

// SoonOfQuota is Soon after the report of a quota that is used up, which a check finds to
// be so or not. It is no reason to check within five minutes of the last time: a check
// uses up some of the quotas of the other tokens.
func (w *Sweeper) SoonOfQuota(name string) { w.schedule.soon(name, quotaConfirm, w.now()) }

// Configured makes the sweep look at the configuration again: integrations or the
// mount were written.
func (w *Sweeper) Configured() { w.schedule.outdate() }

// Sweep is the checks that go on by themselves. Begin one with Sweeper.Sweep.
type Sweep struct {
	sweeper     *Sweeper
	listed      time.Time
	maintaining atomic.Bool
}

// Sweep returns a sweep that has seen nothing yet.
func (w *Sweeper) Sweep() *Sweep { return &Sweep{sweeper: w} }

// Run sweeps until the context ends, and returns when the last check has ended. While
// active says no, as on a standby, it rests.
func (s *Sweep) Run(ctx context.Context, active func() bool) {
	defer s.Wait()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	rested := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !active() {
			rested = true
			continue
		}
		if rested {
			s.resume()
			rested = false
		}
		_ = s.Step(ctx) // it notes what goes wrong, and is asked again at the next tick
	}
}

// resume goes on where another node was active for a while.
func (s *Sweep) resume() {
	s.sweeper.faults.Forget() // first: to forget what is not stored is no success
	s.sweeper.findings.ForgetUnsaved()
	s.sweeper.door.ForgetUnsaved()
	s.sweeper.sightings.Forget()
	s.sweeper.schedule.replan(s.sweeper.now())
	s.listed = time.Time{}
}

// Wait returns when no check is under way.
func (s *Sweep) Wait() { s.sweeper.schedule.idle.Wait() }

// Step begins what is due now. It does not wait for it. An error is of storage; what
// is known is checked all the same.
func (s *Sweep) Step(ctx context.Context) (err error) {
	w := s.sweeper
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			err = fault.Panicked(cause)
		}
		w.faults.Note(fault.DeedList, "", err)
	}()
	mount, err := w.mounts.Read(ctx)
	if err != nil {
		return err
	}
	now := w.now()
	if w.schedule.outdated() || now.Sub(s.listed) >= s.listEvery() {
		if err = w.list(ctx, mount); err != nil {
			w.schedule.outdate()
		}
		s.listed = now
		s.maintain(ctx)
	}
	w.schedule.enqueue(now, mount.MaxConcurrentChecks)
	w.dispatch(ctx)
	return err
}

// maintain begins what is due beside checks, unless the last round still goes on.
func (s *Sweep) maintain(ctx context.Context) {
	if !s.maintaining.CompareAndSwap(false, true) {
		return
	}
	s.sweeper.schedule.idle.Add(1)
	go func() {
		defer s.sweeper.schedule.idle.Done()
		defer s.maintaining.Store(false)
		var err error
		defer func() {
			if cause := recover(); cause != nil {
				err = fault.Panicked(cause)
			}
			s.sweeper.faults.Note(fault.DeedMaintain, "", err)
		}()
		s.sweeper.door.StoreUnsaved(ctx)
		s.sweeper.findings.StoreUnsaved(ctx, s.sweeper.versionOf)
		err = s.sweeper.maintain(ctx) // what fails is tried again in the next round
	}()
}

func (s *Sweep) listEvery() time.Duration {
	if shortest := s.sweeper.schedule.shortest(); shortest > 0 {
		return min(longestList, max(tick, shortest/4))
	}
	return longestList
}

// dispatch begins as many checks as may be under way.
func (w *Sweeper) dispatch(ctx context.Context) {
	for ctx.Err() == nil {
		p, ok := w.schedule.next(w.now())
		if !ok {
			return
		}
		go func() {
			// Not before the next one has begun: else Wait could return in between.
			defer w.schedule.idle.Done()
			w.inspect(ctx, p)
			w.dispatch(ctx)
		}()
	}
}

// inspect checks one integration. A panic is a check that could not tell: it would
// take all mounts down.
func (w *Sweeper) inspect(ctx context.Context, p *plan) {
	var o health.Outcome
	var err error
	defer func() {
		if cause := recover(); cause != nil {
			err = fault.Panicked(cause)
		}
		w.faults.Note(fault.DeedCheck, p.name, health.IgnoreUnknown(err))
		w.schedule.done(p, o, w.now())
	}()
	o, err = w.watch.CheckByItself(ctx, p.name)
}

// list looks for integrations that are new or gone or have another interval, for
// statuses that changed with time, and for expiries to announce.
func (w *Sweeper) list(ctx context.Context, mount *backend.Mount) error {
	names, err := w.configurations.List(ctx)
	if err != nil {
		return err
	}
	w.watch.Warm(ctx, names)
	known, records := make(map[string]bool, len(names)), make(map[string]bool, len(names))
	faults := 0
	var first error
	for _, name := range names {
		known[name] = true
		err := w.visit(ctx, name, mount, records)
		if w.faults.Note(fault.DeedVisit, name, ofOne(err)); err == nil || ofOne(err) != nil {
			continue // what is wrong with one does not hold up the others
		}
		if first == nil {
			first = err
		}
		if faults++; faults == maxFaults || ctx.Err() != nil {
			return first
		}
	}
	w.schedule.prune(known, w.now())
	w.sightings.Prune(known)
	w.troubles.Prune(known)
	w.faults.Prune(known)
	if first == nil {
		w.door.Prune(records)
	}
	return first
}

// ofOne is an error that is of one integration, nil if it is of storage as a whole.
func ofOne(err error) error {
	if errors.Is(err, store.ErrUndecodable) || fault.IsPanic(err) {
		return err
	}
	return nil
}

// visit is list for one integration; records are the credentials that it has seen. A
// panic is one of a provider, and would take all mounts down.
func (w *Sweeper) visit(ctx context.Context, name string, mount *backend.Mount, records map[string]bool) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fault.Panicked(cause)
		}
	}()
	assessed, err := w.watch.Observe(ctx, name)
	if backend.HasCode(err, backend.CodeUnknownIntegration) || backend.HasCode(err, backend.CodeUnknownProvider) {
		return nil
	}
	if err != nil {
		return err
	}
	in := assessed.Integration
	w.endFaults(assessed, mount)
	w.schedule.put(name, w.configurations.Host(in), interval(in, mount), w.now())
	if records[assessed.RecordID] {
		return nil // of a shared credential the first integration tells
	}
	records[assessed.RecordID] = true
	return w.announce(ctx, assessed)
}

// endFaults ends the faults of what is not due any more, and would never be tried again.
func (w *Sweeper) endFaults(assessed *health.Assessment, mount *backend.Mount) {
	in, record := assessed.Integration, assessed.Record
	if interval(in, mount) <= 0 {
		w.faults.Over(in.Name, fault.DeedCheck)
	}
	if !record.Due(w.now()) || !record.Current.Refreshable() {
		w.faults.Over(in.Name, fault.DeedRefresh)
	}
}

// versionOf is the version of an integration's credential, -1 if there is no such
// integration any more.
func (w *Sweeper) versionOf(ctx context.Context, name string) (int, error) {
	_, record, err := w.door.Read(ctx, name)
	if backend.HasCode(err, backend.CodeUnknownIntegration) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	return record.Version, nil
}

// interval is how often an integration is checked: as it says, or as the mount says.
func interval(in *backend.Integration, mount *backend.Mount) time.Duration {
	if own, set := in.Settings.Numbers["health_check_interval"]; set {
		return time.Duration(own) * time.Second
	}
	return mount.HealthCheckInterval
}
