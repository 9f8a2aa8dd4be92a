package sweep

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/rotation"
)

const (
	// maintained is how many rotations go on by themselves at a time.
	maintained = 4
	// shortestRotation is the shortest default for rotate_before.
	shortestRotation = 3 * 24 * time.Hour
)

// maintain does what is due beside checks: rotations that were cut off, credentials
// that are kept no longer, and rotations by themselves. It is for the active node.
func (w *Sweeper) maintain(ctx context.Context) error {
	unfinished, err := w.rotations.Unfinished(ctx)
	if err != nil {
		return err
	}
	pending := make(map[string]bool, len(unfinished))
	for _, id := range unfinished {
		pending[id] = true
	}
	mount, err := w.mounts.Read(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(maintained)
	records := map[string]bool{}
	err = w.watch.Each(ctx, func(assessed *health.Assessment) error {
		id := assessed.RecordID
		if records[id] { // of a shared credential the first integration tells
			w.faults.Over(assessed.Integration.Name, fault.DeedMaintain, fault.DeedResume, fault.DeedErase, fault.DeedRotate)
		}
		if records[id] || ctx.Err() != nil {
			return ctx.Err()
		}
		records[id] = true
		group.Go(func() error {
			w.maintainOne(ctx, assessed, mount, pending[id])
			return nil
		})
		return nil
	})
	_ = group.Wait() // its functions return no errors
	return err
}

// maintainOne does it for one record. The next round tries again what fails.
func (w *Sweeper) maintainOne(ctx context.Context, assessed *health.Assessment, mount *backend.Mount, pending bool) {
	name := assessed.Integration.Name
	var broke error
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			broke = fault.Panicked(cause)
		}
		w.faults.Note(fault.DeedMaintain, name, broke)
	}()
	if pending {
		swapped, err := w.swaps.Resume(ctx, name)
		w.faults.Note(fault.DeedResume, name, err)
		if swapped {
			return
		}
	} else {
		w.faults.Note(fault.DeedResume, name, nil)
	}
	w.erase(ctx, assessed)
	w.rotateInTime(ctx, assessed, mount)
}

// erase removes a credential that is kept no longer.
func (w *Sweeper) erase(ctx context.Context, assessed *health.Assessment) {
	var err error
	if assessed.Record.Previous != nil && !w.now().Before(assessed.Record.PreviousUntil) {
		err = w.swaps.Erase(ctx, assessed.Integration.Name)
	}
	w.faults.Note(fault.DeedErase, assessed.Integration.Name, err)
}

// rotateInTime rotates a credential that is due. What was listed may have waited for its turn,
// and then for the record: what is set and stored by then decides.
func (w *Sweeper) rotateInTime(ctx context.Context, assessed *health.Assessment, mount *backend.Mount) {
	name, version := assessed.Integration.Name, assessed.Record.Version
	at, due := w.rotationDue(assessed.Integration, assessed.Record, mount)
	if !due {
		if at.IsZero() || w.troubles.Of(name, version) == nil { // else it only rests
			w.faults.Note(fault.DeedRotate, name, nil)
		}
		return
	}
	_, err := w.swaps.RotateIf(ctx, name, backend.Actor{Via: "auto_rotate"}, func(s *backend.Subject, r *backend.Record) bool {
		version = r.Version
		_, due := w.rotationDue(s.Integration, r, s.Mount)
		return due
	})
	w.troubles.Rotated(name, version, err, w.now())
	if errors.Is(err, rotation.ErrNotDue) {
		err = nil
	}
	w.faults.Note(fault.DeedRotate, name, err)
}

// rotationDue is when a credential is rotated by itself, zero for never, and whether that is now.
func (w *Sweeper) rotationDue(in *backend.Integration, record *backend.Record, mount *backend.Mount) (at time.Time, due bool) {
	now := w.now()
	at, _ = w.nextRotation(in, record, mount, now)
	return at, !at.IsZero() && !now.Before(at)
}
