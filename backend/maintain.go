package backend

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maintained is how many rotations go on by themselves at a time.
	maintained = 4
	// shortestRotation is the shortest default for rotate_before.
	shortestRotation = 3 * 24 * time.Hour
	// rotatePause is how long a rotation by itself that failed rests at first; each
	// failure doubles it, up to longestRotatePause.
	rotatePause        = 15 * time.Minute
	longestRotatePause = 12 * time.Hour
)

// Trouble is why a credential is not rotated by itself.
type Trouble struct {
	Code, Message string
	Since         time.Time
	version       int // of the credential that could not be rotated
	failures      int
	until         time.Time
}

// maintain does what is due beside checks: rotations that were cut off, credentials
// that are kept no longer, and rotations by themselves. It is for the active node.
func (w *Watch) maintain(ctx context.Context) error {
	unfinished, err := w.credentials.pending.list(ctx)
	if err != nil {
		return err
	}
	pending := make(map[string]bool, len(unfinished))
	for _, id := range unfinished {
		pending[id] = true
	}
	mount, err := w.mount.Read(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(maintained)
	records := map[string]bool{}
	err = w.Each(ctx, func(seen *Seen) error {
		id, err := w.integrations.recordID(seen.Integration)
		if err == nil && records[id] { // of a shared credential the first integration tells
			w.faults.over(seen.Integration.Name, DeedMaintain, DeedResume, DeedErase, DeedRotate)
		}
		if err != nil || records[id] || ctx.Err() != nil {
			return ctx.Err()
		}
		records[id] = true
		group.Go(func() error {
			w.maintainOne(ctx, seen, mount, pending[id])
			return nil
		})
		return nil
	})
	_ = group.Wait() // its functions return no errors
	return err
}

// maintainOne does it for one record. The next round tries again what fails.
func (w *Watch) maintainOne(ctx context.Context, seen *Seen, mount *Mount, pending bool) {
	name := seen.Integration.Name
	var broke error
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			broke = panicked(cause)
		}
		w.faults.note(DeedMaintain, name, broke)
	}()
	if pending {
		change, err := w.credentials.Resume(ctx, name)
		w.faults.note(DeedResume, name, err)
		if err == nil && change != nil {
			w.tellSwap(ctx, EventRotate, w.Swapped(ctx, change))
			return
		}
	} else {
		w.faults.note(DeedResume, name, nil)
	}
	w.erase(ctx, seen)
	w.rotateInTime(ctx, seen, mount)
}

// erase removes a credential that is kept no longer.
func (w *Watch) erase(ctx context.Context, seen *Seen) {
	var err error
	if seen.Record.Previous != nil && !w.now().Before(seen.Record.PreviousUntil) {
		err = w.credentials.Erase(ctx, seen.Integration.Name)
	}
	w.faults.note(DeedErase, seen.Integration.Name, err)
}

// rotateInTime rotates a credential that is due, unless it rests after a failure.
func (w *Watch) rotateInTime(ctx context.Context, seen *Seen, mount *Mount) {
	name, now := seen.Integration.Name, w.now()
	if !w.rotationDue(seen.Integration, seen.Record, mount, now) {
		w.faults.note(DeedRotate, name, nil)
		return
	}
	if !w.schedule.mayRotate(name, seen.Record.Version, now) {
		return
	}
	_, err := w.rotate(ctx, name, Actor{Via: "auto_rotate"}, func(r *Record) bool { return w.rotationDue(seen.Integration, r, mount, w.now()) })
	w.schedule.rotated(name, seen.Record.Version, err, w.now())
	if errors.Is(err, errNotDue) {
		err = nil
	}
	w.faults.note(DeedRotate, name, err)
}

// rotationDue reports whether a credential is to be rotated by itself now.
func (w *Watch) rotationDue(in *Integration, record *Record, mount *Mount, now time.Time) bool {
	current := record.Current
	if !in.Settings.Flag("auto_rotate") || current == nil || current.Access != nil || current.ExpiresAt.IsZero() {
		return false
	}
	if _, err := w.credentials.rotator(in, mount); err != nil {
		return false
	}
	return !now.Before(current.ExpiresAt.Add(-rotateBefore(in, current)))
}

// rotateBefore is how long before its end a credential is rotated: as the integration
// says, or a third of its life but at least three days; never more than half of it.
func rotateBefore(in *Integration, current *Stored) time.Duration {
	life := current.ExpiresAt.Sub(current.VerifiedAt)
	before := max(life/3, shortestRotation)
	if own := in.Settings.Number("rotate_before"); own > 0 {
		before = time.Duration(own) * time.Second
	}
	return min(before, life/2)
}

// Rotate is Credentials.Rotate, and tells of it.
func (w *Watch) Rotate(ctx context.Context, name string, who Actor) (*Change, error) {
	return w.rotate(ctx, name, who, nil)
}

func (w *Watch) rotate(ctx context.Context, name string, who Actor, due func(*Record) bool) (*Change, error) {
	change, err := w.credentials.Rotate(ctx, name, who, due)
	var refused *Error
	switch {
	case err == nil:
		w.tellSwap(ctx, EventRotate, w.Swapped(ctx, change))
	case errors.As(err, &refused) && refused.Code != CodeUnknownIntegration:
		w.notify(ctx, Event{Type: EventRotate, Integration: name, Provider: refused.Provider, Code: refused.Code})
		if _, err := w.Observe(ctx, name); err != nil {
			return nil, refused
		}
	}
	return change, err
}

// Rollback is Credentials.Rollback, and tells of it.
func (w *Watch) Rollback(ctx context.Context, name string, who Actor) (*Change, error) {
	change, err := w.credentials.Rollback(ctx, name, who)
	if err == nil {
		w.tellSwap(ctx, EventRollback, w.Swapped(ctx, change))
	}
	return change, err
}

func (w *Watch) tellSwap(ctx context.Context, kind EventType, all []*Seen) {
	for _, seen := range all {
		w.notify(ctx, Event{
			Type: kind, Integration: seen.Integration.Name, Provider: seen.Integration.Provider,
			Version: seen.Record.Version, Status: seen.Health.Status,
		})
	}
}

// mayRotate reports whether a rotation by itself that failed has rested.
func (s *schedule) mayRotate(name string, version int, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.troubles[name]
	return t == nil || t.version != version || !now.Before(t.until)
}

// rotated notes how a rotation by itself ended.
func (s *schedule) rotated(name string, version int, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	if err == nil || errors.Is(err, errNotDue) {
		delete(s.troubles, name)
		return
	}
	t := &Trouble{Message: "storage failed", Since: now, version: version}
	if old := s.troubles[name]; old != nil && old.version == version {
		t.Since, t.failures = old.Since, old.failures
	}
	var refused *Error
	if errors.As(err, &refused) {
		t.Code, t.Message = refused.Code, refused.Message
	}
	t.until = now.Add(min(rotatePause<<min(t.failures, 10), longestRotatePause))
	t.failures++
	if s.troubles == nil {
		s.troubles = map[string]*Trouble{}
	}
	s.troubles[name] = t
}

// trouble returns why a credential is not rotated by itself, nil where it is.
func (s *schedule) trouble(name string, version int) *Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.troubles[name]; t != nil && t.version == version {
		return t
	}
	return nil
}
