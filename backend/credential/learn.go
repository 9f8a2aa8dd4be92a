package credential

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// learnPatience is how long a lesson waits for the lock of the record. A caller that holds
// it for longer is about to swap the credential, and the next check learns the same.
const learnPatience = 2 * time.Second

// Learn brings what a check was told into the record, and returns that. Nothing is written
// and nobody waits where it is known already. What happened to the record since the check
// was begun counts more: a credential that was swapped, forgotten or deleted learns nothing.
// What storage does not take is kept in memory: with the error comes the record as it is
// known then, or nil.
func (c *Door) Learn(ctx context.Context, l *Lesson) (*backend.Record, error) {
	record, err := c.write(ctx, l)
	var refused *backend.Error
	if err == nil || errors.As(err, &refused) {
		return record, err
	}
	heard := c.lessons.offer(l)
	stored, unread := c.records.table.Load(ctx, l.ID)
	if unread != nil {
		c.lessons.postpone(l.ID, heard, err)
		return nil, err
	}
	if heard.taught(stored) == stored { // the write was carried out, or somebody else's was
		c.lessons.stored(l.ID, heard)
		return stored, nil
	}
	c.lessons.postpone(l.ID, heard, err)
	return c.known(ctx, l.In, stored), err
}

// write is Learn without the memory of what could not be stored.
func (c *Door) write(ctx context.Context, l *Lesson) (*backend.Record, error) {
	for {
		heard := c.lessons.offer(l) // before it reads: the caller that is storing looks for it afterwards
		record, err := c.records.table.Load(ctx, l.ID)
		if err != nil {
			return nil, err
		}
		if heard.taught(record) == record {
			c.lessons.stored(l.ID, heard)
			return record, nil
		}
		applied, after, err := c.apply(ctx, l)
		if err != nil {
			return nil, err
		}
		c.lessons.stored(l.ID, applied)
		// A later check that began meanwhile may have found nothing to change in the
		// record as it was.
		if c.lessons.offer(l).last() == applied.last() {
			return after, nil
		}
	}
}

// apply changes the record by the newest lessons, and returns both.
func (c *Door) apply(ctx context.Context, l *Lesson) (applied course, after *backend.Record, err error) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	change, err := c.Update(ctx, l.In.Name, func(held *Held) Edit {
		return func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
			applied = c.lessons.offer(l)
			return c.taught(ctx, held.Integration, held.RecordID, change.Before, applied)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	return applied, change.After, nil
}

// StoreUnsaved tries again to store what checks learnt and storage did not take.
func (c *Door) StoreUnsaved(ctx context.Context) {
	c.lessons.backlog.Retry(ctx, backend.CredentialsPrefix, c.learnAgain)
}

// ForgetUnsaved drops what is only in memory: another node was active meanwhile and knows
// better.
func (c *Door) ForgetUnsaved() { c.lessons.forgetAll() }

// Invalidate forgets what is known of a record that another node changed.
func (c *Door) Invalidate(id string) {
	c.lessons.Forget(id)
	c.records.Invalidate(id)
}

// learnAgain tries again to store what could not be stored of a record.
func (c *Door) learnAgain(ctx context.Context, id string) error {
	l := c.lessons.unstored(id).last()
	if l == nil {
		return nil // a check was faster
	}
	_, err := c.Learn(ctx, l)
	var refused *backend.Error
	if errors.As(err, &refused) {
		c.lessons.Forget(id) // its integration is gone
		return nil
	}
	return err
}

// known is the record with what was learnt and could not be stored.
func (c *Door) known(ctx context.Context, in *backend.Integration, record *backend.Record) *backend.Record {
	if !c.lessons.waits.Load() {
		return record
	}
	id, err := c.configurations.RecordID(in)
	if err != nil {
		return record
	}
	after, err := c.taught(ctx, in, id, record, c.lessons.unstored(id))
	if err != nil {
		return record
	}
	return after
}

// taught returns the record of an integration with what the lessons say of its credential;
// the record that was given if there is nothing to change. The caller that writes it holds
// its lock.
func (c *Door) taught(ctx context.Context, in *backend.Integration, id string, before *backend.Record, heard course) (*backend.Record, error) {
	if before.Current == nil {
		return before, nil
	}
	if c.unsaved.Waits(id, before) {
		return before, nil // tokens that could not be stored yet replace it
	}
	var err error
	after := before
	for _, l := range heard {
		if id == l.ID && (in.Name != l.In.Name || in.ID == l.In.ID) {
			after = l.taught(after)
		}
	}
	if after.AccountID != before.AccountID {
		after.Current.AccountFingerprint, err = c.prints.Account(ctx, id, after.AccountID)
	}
	return after, err
}
