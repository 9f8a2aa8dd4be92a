package health

import (
	"cmp"
	"context"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
)

// Outcome is how a check by itself ended, for the sweep, which plans the next one.
type Outcome struct {
	// Doubtful says that a rejection needs a second check, Partial that tokens of a pool were
	// not reached.
	Doubtful, Partial bool
	Rejected          bool
	RetryAfter        time.Duration
}

// CheckByItself checks an integration once, while nobody asks. What it doubts is confirmed
// by the next one. A panic is a check that could not tell: it would take all mounts down.
func (w *Watch) CheckByItself(ctx context.Context, name string) (o Outcome, err error) {
	var end sighting
	defer func() {
		if cause := recover(); cause != nil {
			err = fault.Panicked(cause)
		}
		w.sightings.ended(name, end)
	}()
	in, record, err := w.door.Read(ctx, name)
	if err != nil {
		return o, err
	}
	subject, err := w.configurations.Subject(in)
	if err != nil || !checkable(subject, record) {
		return o, err
	}
	if subject.Mount, err = w.mounts.Read(ctx); err != nil {
		return o, err
	}
	suspects := w.sightings.suspects(name, record.Version)
	r, err := w.checkOnce(ctx, subject, record, checkOptions{limit: timeByItself(record, subject.Mount), from: w.sightings.begins(name), confirms: suspects[""]})
	if err != nil {
		return o, err
	}
	o.RetryAfter, o.Partial, end.suspectsOf, end.from = r.retryAfter, len(r.unreached) > 0, r.Record.Version, r.from
	doubtful, err := w.settle(ctx, r)
	if err != nil {
		return o, err
	}
	doubtful = r.unconfirmed(doubtful, suspects)
	o.Doubtful, end.suspects = len(doubtful) > 0, setOf(doubtful)
	assessed, err := w.Observe(ctx, name)
	o.Rejected = err == nil && r.slower() && !r.outdated(assessed.Record)
	return o, cmp.Or(r.broke, err)
}

// timeByItself is how long the whole check of an integration may take: what one check may,
// and a little more, so that a check's own words about its time come first. An access token
// may have to be renewed before, or because it is refused, and is then asked about again.
func timeByItself(record *backend.Record, mount *backend.Mount) time.Duration {
	limit := mount.RequestTimeout + time.Second
	if record.Current.Access != nil {
		limit += 3 * mount.RequestTimeout
	}
	return limit
}
