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

// New returns the waiting reads of a mount, of which there are none.
func New(handouts Handouts, ids RecordIDs, now func() time.Time) *Waiting {
	return &Waiting{handouts: handouts, ids: ids, bells: newBells(), now: now}
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
// waits: until another would be handed out, a read would be refused, or the time is over.
// In each case the answer is that of a read at this moment. A read that finds no place is
// answered at once, with a warning. No renewal keeps a read for longer than it was to wait: what
// lives is handed out then.
//
// Where this node may not renew what has to be renewed before the time is over, it returns
// logical.ErrReadOnly, so that the read waits on the active node.
func (w *Waiting) HandOut(ctx context.Context, r Read) (out *handout.Handout, warning string, err error) {
	var end time.Time
	if r.Until.Wait > 0 {
		end = w.now().Add(r.Until.Wait)
	}
	out, err = w.read(ctx, r, end)
	if err != nil || r.Until.Wait <= 0 || isOther(out, r.Until) {
		return out, "", err
	}
	place := w.bells.take()
	if place == nil {
		return out, fmt.Sprintf("this read did not wait, because %d wait in this mount already; read again after ttl", MaxWaiting), nil
	}
	defer place.leave()
	out, err = w.wait(ctx, r, place, end)
	return out, "", err
}

func (w *Waiting) wait(ctx context.Context, r Read, place *place, end time.Time) (*handout.Handout, error) {
	timer := time.NewTimer(end.Sub(w.now()))
	defer timer.Stop()
	for {
		out, err := w.hear(ctx, r, place, end)
		if err != nil || isOther(out, r.Until) {
			return out, err
		}
		next := w.handouts.ChangesAt(out, r.Resource)
		if out.Record.Current.Refreshable() && next.Before(end) && r.Writable != nil && !r.Writable() {
			return nil, logical.ErrReadOnly
		}
		over, err := place.rest(ctx, timer.C, w.until(next))
		switch {
		case err != nil:
			return nil, err
		case over:
			return w.read(ctx, r, w.now())
		}
	}
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

// until is the time to a moment, at least a millisecond and a little more than any wait at
// most, or 0 for none.
func (w *Waiting) until(moment time.Time) time.Duration {
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
