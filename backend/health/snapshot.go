package health

import (
	"context"
	"sync"
	"time"
)

// snapshotLife is for how long a snapshot stands if nothing was written: some of what it
// says changes with time alone. It is what a dashboard would not notice.
const snapshotLife = time.Second

// Snapshot is the health of all integrations at one moment. It is immutable.
type Snapshot struct {
	// Assessment is sorted by name.
	Assessments []*Assessment
	// fleet counts once somebody asks: metrics and lists do not.
	fleet func() *Fleet

	at      time.Time
	changes uint64
}

// All looks at all integrations, as Each does. What was seen within a second is good
// enough if nothing was written, checked or reported since: with many integrations it is
// much work, and a person who asks does so again and again.
func (w *Watch) All(ctx context.Context) (*Snapshot, error) {
	if s := w.recent(); s != nil {
		return s, nil
	}
	release, err := w.listing.Acquire(ctx, "")
	if err != nil {
		return nil, err
	}
	defer release()
	if s := w.recent(); s != nil {
		return s, nil // somebody else was faster
	}
	s := &Snapshot{at: w.now(), changes: w.changes()}
	err = w.Each(ctx, func(assessed *Assessment) error {
		s.Assessments = append(s.Assessments, assessed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.fleet = sync.OnceValue(func() *Fleet { return w.fleet(s.Assessments, s.at) })
	w.latest.Store(s)
	time.AfterFunc(snapshotLife, func() { w.latest.CompareAndSwap(s, nil) }) // it is large
	return s, nil
}

// recent returns the snapshot that still stands, nil if there is none.
func (w *Watch) recent() *Snapshot {
	s := w.latest.Load()
	if s == nil || s.changes != w.changes() {
		return nil
	}
	if age := w.now().Sub(s.at); age < 0 || age >= snapshotLife {
		return nil
	}
	return s
}

// changes is a number that grows with every change of what Assessment is made of.
func (w *Watch) changes() uint64 {
	return w.configurations.Version() + w.door.Version() + w.findings.Version() + w.mounts.Version() + w.sightings.version() + w.troubles.Version() + w.quotas.Version()
}
