package sweep

import (
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/window"
)

// Next is what the sweep would do of an integration, and when: within a second of the
// moment a check, within a minute a rotation. A moment that has passed means that it is due
// or under way; zero that none is planned. It holds for the node that is active.
type Next struct {
	Check, Rotation time.Time
	// Outside is set where the rotation is outside of the integration's windows, because none
	// begins in time before the credential ends, which it has not yet.
	Outside bool
}

// Next returns what the sweep would do of an integration as things stand. It asks nobody and
// touches no storage.
func (w *Sweeper) Next(assessed *health.Assessment, mount *backend.Mount) Next {
	now := w.now()
	next := Next{Check: w.nextCheck(assessed, mount, now)}
	next.Rotation, next.Outside = w.nextRotation(assessed.Integration, assessed.Record, mount, now)
	next.Outside = next.Outside && now.Before(assessed.Record.Current.ExpiresAt)
	return next
}

// Soonest returns the soonest check and the soonest rotation of these, and when they are.
func (w *Sweeper) Soonest(all []*health.Assessment, mount *backend.Mount) Next {
	var soonest Next
	for _, assessed := range all {
		next := w.Next(assessed, mount)
		soonest.Check, soonest.Rotation = sooner(soonest.Check, next.Check), sooner(soonest.Rotation, next.Rotation)
	}
	return soonest
}

// sooner is the sooner of two moments, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// nextCheck is when an integration is checked next, zero if it is not.
func (w *Sweeper) nextCheck(assessed *health.Assessment, mount *backend.Mount, now time.Time) time.Time {
	if assessed.Record.Current == nil || assessed.Health.Status == backend.StatusNotChecked {
		return time.Time{} // nothing would be asked
	}
	return w.schedule.due(assessed.Integration.Name, interval(assessed.Integration, mount), now)
}

// nextRotation is when a credential is rotated by itself, zero if it is not: before its end,
// in a window, and not while it rests after a failure.
func (w *Sweeper) nextRotation(in *backend.Integration, record *backend.Record, mount *backend.Mount, now time.Time) (at time.Time, outside bool) {
	current := record.Current
	if !in.Settings.Flag("auto_rotate") || current == nil || current.Access != nil || current.ExpiresAt.IsZero() {
		return time.Time{}, false
	}
	if !w.rotations.Supports(in, mount) {
		return time.Time{}, false
	}
	due, rest := current.ExpiresAt.Add(-rotateBefore(in, current)), w.troubles.RestsUntil(in.Name, record.Version)
	open, err := window.Of(in.Settings)
	if err != nil { // another version took it: better at any time than not at all
		open = window.Window{}
	}
	return open.Next(due, rest, current.ExpiresAt, now)
}

// rotateBefore is how long before its end a credential is rotated: as the integration
// says, or a third of its life but at least three days; never more than half of it.
func rotateBefore(in *backend.Integration, current *backend.Stored) time.Duration {
	life := current.ExpiresAt.Sub(current.VerifiedAt)
	before := max(life/3, shortestRotation)
	if own := in.Settings.Number("rotate_before"); own > 0 {
		before = time.Duration(own) * time.Second
	}
	return min(before, life/2)
}
