package waiting

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/handout"
)

// Waiting is the reads that wait in one mount. It is safe for concurrent use.
type Waiting struct {
	handouts Handouts
	ids      RecordIDs
	mounts   Mounts
	bells    *bells
	now      func() time.Time
}

// Handouts hands out credentials.
type Handouts interface {
	// HandOutBy waits for a renewal until by at most, and no longer than any read does.
	HandOutBy(ctx context.Context, by time.Time, name, resource string, who backend.Actor, writable func() bool) (*handout.Handout, error)
	// ChangesAt is when the same read may be answered otherwise although nobody did
	// anything; zero where that is never.
	ChangesAt(out *handout.Handout, resource string) time.Time
}

// RecordIDs knows the keys of credential records.
type RecordIDs interface {
	RecordID(in *backend.Integration) (string, error)
}

// Mounts reads the settings of the mount.
type Mounts interface {
	Read(ctx context.Context) (*backend.Mount, error)
}

// New returns the waiting reads of a mount, of which there are none.
func New(handouts Handouts, ids RecordIDs, mounts Mounts, now func() time.Time) *Waiting {
	return &Waiting{handouts: handouts, ids: ids, mounts: mounts, bells: newBells(), now: now}
}

// Read is one read of creds/; see [handout.Handouts.HandOut] for the fields that are not
// Until.
type Read struct {
	Name, Resource string
	Who            backend.Actor
	Writable       func() bool
	Until          backend.Until
}

// Changed wakes the reads that wait for what is stored under the key. Call it once the
// change can be read. It never blocks.
func (w *Waiting) Changed(key string) { w.bells.ring(key) }

// Reported is Changed for what workers report of the tokens of a record, which they do
// often: those that wait read again once for many reports.
func (w *Waiting) Reported(id string) { w.bells.ringSoon(backend.CredentialsPrefix + id) }

// Close has every read that waits answered, and none wait from now on.
func (w *Waiting) Close() { w.bells.close() }

// HandOut returns the credential for a worker. If it is the one that the worker has, it
// waits: until another would be handed out, a read would be refused, or the time is over, which
// is the mount's max_wait at the latest. In each case the answer is that of a read at this
// moment. A read that finds no place is answered at once. Where it did not wait for as long as
// it was to, a warning says why. No renewal keeps a read for longer than it was to wait: what
// lives is handed out then.
//
// Where this node may not renew what has to be renewed before the time is over, it returns
// logical.ErrReadOnly, so that the read waits on the active node.
func (w *Waiting) HandOut(ctx context.Context, r Read) (out *handout.Handout, warning string, err error) {
	if r.Until.Wait <= 0 {
		out, err = w.read(ctx, r, time.Time{})
		return out, "", err
	}
	until, err := w.until(ctx, r.Until.Wait, w.now())
	if err != nil {
		return nil, "", err
	}
	by := until.end
	if until.most == 0 {
		by = time.Time{} // a plain read
	}
	out, err = w.read(ctx, r, by)
	if err != nil || isOther(out, r.Until) {
		return out, "", err
	}
	if until.most == 0 {
		return out, "this read did not wait, because max_wait of the mount is 0; read again after ttl", nil
	}
	place := w.bells.take()
	if place == nil {
		return out, fmt.Sprintf("this read did not wait, because %d wait in this mount already; read again after ttl", MaxWaiting), nil
	}
	defer place.leave()
	return w.wait(ctx, r, place, until)
}

// span is from when until when a read waits.
type span struct {
	began, end time.Time
	// most is the mount's max_wait, and cut is set where it ends the wait.
	most time.Duration
	cut  bool
}

// until is how long a read waits that began at a moment, as the mount is set now.
func (w *Waiting) until(ctx context.Context, wait time.Duration, began time.Time) (span, error) {
	mount, err := w.mounts.Read(ctx)
	if err != nil {
		return span{}, err
	}
	return span{began: began, end: began.Add(min(wait, mount.MaxWait)), most: mount.MaxWait, cut: mount.MaxWait < wait}, nil
}

// warning says why a read did not wait for as long as it was to, "" where it did.
func (s span) warning() string {
	if !s.cut {
		return ""
	}
	return fmt.Sprintf("this read waited no longer, because max_wait of the mount is %d seconds; read again after ttl", int64(s.most/time.Second))
}

func (w *Waiting) wait(ctx context.Context, r Read, place *place, until span) (out *handout.Handout, warning string, err error) {
	place.hear(backend.MountKey)
	for {
		if until, err = w.until(ctx, r.Until.Wait, until.began); err != nil {
			return nil, "", err
		}
		out, err = w.hear(ctx, r, place, until.end)
		if err != nil || isOther(out, r.Until) {
			return out, "", err
		}
		left := until.end.Sub(w.now())
		if left <= 0 {
			return out, until.warning(), nil
		}
		next := w.handouts.ChangesAt(out, r.Resource)
		if out.Record.Current.Refreshable() && next.Before(until.end) && r.Writable != nil && !r.Writable() {
			return nil, "", logical.ErrReadOnly
		}
		over, err := place.rest(ctx, left, w.pause(next))
		switch {
		case err != nil:
			return nil, "", err
		case over:
			return w.last(ctx, r, until)
		}
	}
}

// last is the read once the time is over.
func (w *Waiting) last(ctx context.Context, r Read, until span) (out *handout.Handout, warning string, err error) {
	out, err = w.read(ctx, r, w.now())
	if err == nil && !isOther(out, r.Until) {
		warning = until.warning()
	}
	return out, warning, err
}

// hear reads after it has begun to listen to all that the read depends on, so that no
// change comes in between.
func (w *Waiting) hear(ctx context.Context, r Read, place *place, end time.Time) (*handout.Handout, error) {
	place.hear(backend.IntegrationsPrefix + r.Name)
	place.hear(backend.HealthPrefix + r.Name)
	for {
		out, err := w.read(ctx, r, end)
		if err != nil {
			return nil, err
		}
		id, err := w.ids.RecordID(out.Integration)
		if err != nil {
			return nil, err
		}
		if !place.hear(backend.CredentialsPrefix + id) {
			return out, nil
		}
	}
}

func (w *Waiting) read(ctx context.Context, r Read, by time.Time) (*handout.Handout, error) {
	return w.handouts.HandOutBy(ctx, by, r.Name, r.Resource, r.Who, r.Writable)
}

// pause is the time to a moment, at least a millisecond and a little more than any wait at
// most, or 0 for none.
func (w *Waiting) pause(moment time.Time) time.Duration {
	if moment.IsZero() {
		return 0
	}
	return max(0, min(moment.Sub(w.now()), backend.LongestWait)) + time.Millisecond
}

// isOther reports whether a handout is another than the one that the worker has.
func isOther(out *handout.Handout, u backend.Until) bool {
	switch {
	case out.Record.Current == nil:
		return true
	case u.Fingerprint != "":
		return out.Fingerprint() != u.Fingerprint
	default:
		return out.Record.Version != u.Version
	}
}
