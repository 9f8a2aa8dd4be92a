package backend

import (
	"context"
	"errors"
	"time"
)

// learnPatience is how long what was learnt waits for the lock of the record. Whoever holds
// it for longer is about to swap the credential, and the next check learns the same.
const learnPatience = 2 * time.Second

// learn brings what a check was told into the record, and returns that. Nothing is written
// and nobody waits where it is known already. What happened to the record since the check
// was begun counts more: a credential that was swapped, forgotten or deleted learns nothing.
func (c *Credentials) learn(ctx context.Context, l *lesson) (*Record, error) {
	for {
		newest := c.lessons.offer(l) // before it reads: whoever is storing looks for it afterwards
		record, err := c.records.load(ctx, l.id)
		if err != nil {
			return nil, err
		}
		if newest.taught(record) == record {
			return record, nil
		}
		applied, after, err := c.apply(ctx, l)
		if err != nil {
			return nil, err
		}
		// A later check that began meanwhile may have found nothing to change in the
		// record as it was.
		if c.lessons.offer(l) == applied {
			return after, nil
		}
	}
}

// apply changes the record by the newest lesson, and returns both.
func (c *Credentials) apply(ctx context.Context, l *lesson) (applied *lesson, after *Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	change, err := c.update(ctx, turn{}, l.in.Name, func(ctx context.Context, in *Integration, change *Change) (*Record, error) {
		applied = c.lessons.offer(l)
		return c.taught(ctx, in, change, applied)
	})
	if err != nil {
		return nil, nil, err
	}
	return applied, change.After, nil
}

// learn brings what a look was told into the record. A storage that refuses keeps nobody
// from the answer: the next look is told the same.
func (w *Watch) learn(ctx context.Context, r *result) error {
	l, err := w.lesson(r)
	if err != nil || l == nil {
		return err
	}
	record, err := w.credentials.learn(ctx, l)
	var refused *Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && record.Version == r.record.Version && record.Current != nil && record.Current.Fingerprint == l.fingerprint:
		r.record = record
	case err != nil && !errors.As(err, &refused):
		r.notes = append(r.notes, "what the upstream tells of the credential is another than what is stored, and could not be stored now; the next check tries again")
	}
	return nil
}

// lesson is what a look was told; nil where that is nothing.
func (w *Watch) lesson(r *result) (*lesson, error) {
	if len(r.told) == 0 || r.record.Current == nil {
		return nil, nil //nolint:nilnil // see above
	}
	provider, err := w.integrations.Provider(r.in)
	if err != nil {
		return nil, err
	}
	id, err := w.integrations.recordID(r.in)
	if err != nil {
		return nil, err
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(r.in.AuthType)
	return &lesson{
		in: r.in, id: id, provider: provider, auth: auth, url: r.in.URL(spec), home: w.integrations.groups.home(r.in), told: r.told,
		version: r.record.Version, fingerprint: r.record.Current.Fingerprint, turn: r.turn, at: r.asked,
	}, nil
}

// taught is the lesson's for whoever holds the lock of the record.
func (c *Credentials) taught(ctx context.Context, in *Integration, change *Change, l *lesson) (*Record, error) {
	id, err := c.integrations.recordID(in)
	if err != nil || id != l.id || in.Name == l.in.Name && in.ID != l.in.ID || change.Before.Current == nil {
		return change.Before, err
	}
	if _, waits := c.refreshes.kept(id, change.Before); waits {
		return change.Before, nil // tokens that could not be stored yet replace it
	}
	after := l.taught(change.Before)
	if after.AccountID != change.Before.AccountID {
		after.Current.AccountFingerprint, err = c.marks.account(ctx, id, after.AccountID)
	}
	return after, err
}
