package backend

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// learnPatience is how long what was learnt waits for the lock of the record. Whoever holds
// it for longer is about to swap the credential, and the next check learns the same.
const learnPatience = 2 * time.Second

// learn brings what a check was told into the record, and returns that. Nothing is written
// and nobody waits where it is known already. What happened to the record since the check
// was begun counts more: a credential that was swapped, forgotten or deleted learns nothing.
// What storage does not take is kept in memory: with the error comes the record as it is
// known then, or nil.
func (c *Credentials) learn(ctx context.Context, l *lesson) (*Record, error) {
	record, err := c.write(ctx, l)
	var refused *Error
	if err == nil || ctx.Err() != nil || errors.As(err, &refused) {
		return record, err
	}
	heard := c.lessons.offer(l)
	stored, unread := c.records.load(ctx, l.id)
	if unread != nil {
		c.lessons.postpone(l.id, heard, err)
		return nil, err
	}
	if heard.taught(stored) == stored { // the write was carried out, or somebody else's was
		c.lessons.stored(l.id, heard)
		return stored, nil
	}
	c.lessons.postpone(l.id, heard, err)
	return c.known(ctx, l.in, stored), err
}

// write is learn without the memory of what could not be stored.
func (c *Credentials) write(ctx context.Context, l *lesson) (*Record, error) {
	for {
		heard := c.lessons.offer(l) // before it reads: whoever is storing looks for it afterwards
		record, err := c.records.load(ctx, l.id)
		if err != nil {
			return nil, err
		}
		if heard.taught(record) == record {
			c.lessons.stored(l.id, heard)
			return record, nil
		}
		applied, after, err := c.apply(ctx, l)
		if err != nil {
			return nil, err
		}
		c.lessons.stored(l.id, applied)
		// A later check that began meanwhile may have found nothing to change in the
		// record as it was.
		if c.lessons.offer(l).last() == applied.last() {
			return after, nil
		}
	}
}

// apply changes the record by the newest lessons, and returns both.
func (c *Credentials) apply(ctx context.Context, l *lesson) (applied course, after *Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	change, err := c.update(ctx, turn{}, l.in.Name, func(ctx context.Context, in *Integration, change *Change) (*Record, error) {
		applied = c.lessons.offer(l)
		return c.taught(ctx, in, change.Before, applied)
	})
	if err != nil {
		return nil, nil, err
	}
	return applied, change.After, nil
}

// learnAgain tries again to store what could not be stored of a record.
func (c *Credentials) learnAgain(ctx context.Context, id string) error {
	l := c.lessons.unstored(id).last()
	if l == nil {
		return nil // a check was faster
	}
	_, err := c.learn(ctx, l)
	var refused *Error
	if errors.As(err, &refused) {
		c.lessons.forget(id) // its integration is gone
		return nil
	}
	return err
}

// known is the record with what was learnt and could not be stored.
func (c *Credentials) known(ctx context.Context, in *Integration, record *Record) *Record {
	if !c.lessons.waits.Load() {
		return record
	}
	id, err := c.integrations.recordID(in)
	if err != nil {
		return record
	}
	after, err := c.taught(ctx, in, record, c.lessons.unstored(id))
	if err != nil {
		return record
	}
	return after
}

// learn brings what a look was told into the record. A storage that refuses keeps nobody
// from the answer.
func (w *Watch) learn(ctx context.Context, r *result) error {
	l, err := w.lesson(r)
	if err != nil || l == nil {
		return err
	}
	record, _ := w.credentials.learn(ctx, l) // what could not be stored waits, and is known
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if record != nil && record.Version == r.record.Version && record.Current != nil && record.Current.Fingerprint == l.fingerprint {
		r.record = record
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
		in: r.in, id: id, provider: provider, auth: auth, url: r.in.URL(spec), home: w.integrations.groups.home(r.in),
		written: w.integrations.groups.homeBy(r.in, providers.Settings.Value), told: r.told,
		version: r.record.Version, fingerprint: r.record.Current.Fingerprint, turn: r.turn, at: r.asked,
	}, nil
}

// taught returns the record of an integration with what the lessons say of its credential;
// the record that was given if there is nothing to change. Whoever writes it holds its lock.
func (c *Credentials) taught(ctx context.Context, in *Integration, before *Record, heard course) (*Record, error) {
	id, err := c.integrations.recordID(in)
	if err != nil || before.Current == nil {
		return before, err
	}
	if _, waits := c.refreshes.kept(id, before); waits {
		return before, nil // tokens that could not be stored yet replace it
	}
	after := before
	for _, l := range heard {
		if id == l.id && (in.Name != l.in.Name || in.ID == l.in.ID) {
			after = l.taught(after)
		}
	}
	if after.AccountID != before.AccountID {
		after.Current.AccountFingerprint, err = c.marks.account(ctx, id, after.AccountID)
	}
	return after, err
}
