package backend

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
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

// Sweep is the checks that go on by themselves. Begin one with Watch.Sweep.
type Sweep struct {
	watch       *Watch
	listed      time.Time
	maintaining atomic.Bool
}

// Sweep returns a sweep that has seen nothing yet.
func (w *Watch) Sweep() *Sweep { return &Sweep{watch: w} }

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
	s.watch.forgetUnsaved()
	s.watch.faults.forget()
	s.watch.schedule.replan(s.watch.now())
	s.listed = time.Time{}
}

// Wait returns when no check is under way.
func (s *Sweep) Wait() { s.watch.schedule.idle.Wait() }

// Step begins what is due now. It does not wait for it. An error is of storage; what
// is known is checked all the same.
func (s *Sweep) Step(ctx context.Context) (err error) {
	w := s.watch
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			err = panicked(cause)
		}
		w.faults.note(DeedList, "", err)
	}()
	mount, err := w.mount.Read(ctx)
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
	s.watch.schedule.idle.Add(1)
	go func() {
		defer s.watch.schedule.idle.Done()
		defer s.maintaining.Store(false)
		var err error
		defer func() {
			if cause := recover(); cause != nil {
				err = panicked(cause)
			}
			s.watch.faults.note(DeedMaintain, "", err)
		}()
		s.watch.storeUnsaved(ctx)
		err = s.watch.maintain(ctx) // what fails is tried again in the next round
	}()
}

func (s *Sweep) listEvery() time.Duration {
	if shortest := s.watch.schedule.shortest(); shortest > 0 {
		return min(longestList, max(tick, shortest/4))
	}
	return longestList
}

// dispatch begins as many checks as may be under way.
func (w *Watch) dispatch(ctx context.Context) {
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
func (w *Watch) inspect(ctx context.Context, p *plan) {
	var o outcome
	var err error
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked(cause)
		}
		w.faults.note(DeedCheck, p.name, ignoreUnknown(err))
		w.schedule.done(p, o, w.now())
	}()
	err = w.checkBySweep(ctx, p.name, &o)
}

// checkBySweep checks one integration and says how it ended.
func (w *Watch) checkBySweep(ctx context.Context, name string, o *outcome) error {
	in, record, err := w.credentials.Read(ctx, name)
	if err != nil || !w.checkable(in, record) {
		return err
	}
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return err
	}
	suspects := w.schedule.suspects(name, record.Version)
	r, err := w.look(ctx, in, record, mount, looking{limit: timeByItself(record, mount), from: w.schedule.begins(name), confirms: suspects[""]})
	if err != nil {
		return err
	}
	o.retryAfter, o.version, o.from, o.partial = r.retryAfter, r.record.Version, r.from, len(r.unreached) > 0
	doubtful, err := w.settle(ctx, r)
	if err != nil {
		return err
	}
	o.doubtful = r.unconfirmed(doubtful, suspects)
	seen, err := w.Observe(ctx, name)
	o.rejected = err == nil && r.slower() && seen.Record.Version == r.record.Version
	return cmp.Or(r.broke, err)
}

// timeByItself is how long the whole look at an integration may take: what one check may,
// and a little more, so that a check's own words about its time come first. An access token
// may have to be renewed before, or because it is refused, and is then asked about again.
func timeByItself(record *Record, mount *Mount) time.Duration {
	limit := mount.RequestTimeout + time.Second
	if record.Current.Access != nil {
		limit += 3 * mount.RequestTimeout
	}
	return limit
}

// list looks for integrations that are new or gone or have another interval, for
// statuses that changed with time, and for expiries to announce.
func (w *Watch) list(ctx context.Context, mount *Mount) error {
	names, err := w.integrations.integrations.List(ctx)
	if err != nil {
		return err
	}
	w.warm(ctx, names)
	known, records := make(map[string]bool, len(names)), make(map[string]bool, len(names))
	faults := 0
	var first error
	for _, name := range names {
		known[name] = true
		err := w.visit(ctx, name, mount, records)
		if w.faults.note(DeedVisit, name, ofOne(err)); err == nil || ofOne(err) != nil {
			continue // what is wrong with one does not hold up the others
		}
		if first == nil {
			first = err
		}
		if faults++; faults == maxFaults || ctx.Err() != nil {
			return first
		}
	}
	w.schedule.keep(known, w.now())
	w.faults.keep(known)
	if first == nil {
		w.credentials.pools.keep(records)
		w.credentials.lessons.keep(records)
	}
	return first
}

// ofOne is an error that is of one integration, nil if it is of storage as a whole.
func ofOne(err error) error {
	var broke *brokeOff
	if errors.Is(err, errUndecodable) || errors.As(err, &broke) {
		return err
	}
	return nil
}

// visit is list for one integration; records are the credentials that it has seen. A
// panic is one of a provider, and would take all mounts down.
func (w *Watch) visit(ctx context.Context, name string, mount *Mount, records map[string]bool) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = panicked(cause)
		}
	}()
	seen, err := w.Observe(ctx, name)
	if HasCode(err, CodeUnknownIntegration) || HasCode(err, CodeUnknownProvider) {
		return nil
	}
	if err != nil {
		return err
	}
	in := seen.Integration
	w.endFaults(seen, mount)
	w.schedule.put(name, w.hostOf(in), interval(in, mount), w.now())
	id, err := w.integrations.recordID(in)
	if err != nil || records[id] {
		return nil // of a shared credential the first integration tells
	}
	records[id] = true
	return w.announce(ctx, seen)
}

// endFaults ends the faults of what is not due any more, and would never be tried again.
func (w *Watch) endFaults(seen *Seen, mount *Mount) {
	in, record := seen.Integration, seen.Record
	if interval(in, mount) <= 0 {
		w.faults.over(in.Name, DeedCheck)
	}
	if !record.due(w.now()) || !record.Current.refreshable() {
		w.faults.over(in.Name, DeedRefresh)
	}
}

// hostOf is the host that an integration names.
func (w *Watch) hostOf(in *Integration) string {
	provider, err := w.integrations.Provider(in)
	if err != nil {
		return ""
	}
	u, err := url.Parse(in.URL(provider.Spec()))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// interval is how often an integration is checked: as it says, or as the mount says.
func interval(in *Integration, mount *Mount) time.Duration {
	if own, set := in.Settings.Numbers["health_check_interval"]; set {
		return time.Duration(own) * time.Second
	}
	return mount.HealthCheckInterval
}
