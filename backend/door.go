package backend

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// Door is the only way to credential records. It can read configuration and has no way to
// write it. It is safe for concurrent use; changes of one record are serialised, readers
// never wait for them.
type Door struct {
	configurations Configurations
	mounts         Mounts
	records        *Records
	prints         *fingerprints
	locks          *locks
	findings       *findings // of pools, to know which tokens work
	quotas         *pools
	faults         *faults
	unsaved        Unsaved
	lessons        *lessons
	now            func() time.Time

	work    work
	journal TellSwap // nil for nobody
}

// Parts are what a door is made of. None may be nil.
type Parts struct {
	Configurations Configurations
	Mounts         Mounts
	Records        *Records
	Fingerprints   *fingerprints
	Locks          *locks
	Findings       *findings
	Quotas         *pools
	Faults         *faults
	Unsaved        Unsaved
	Lessons        *lessons
	Now            func() time.Time
}

// newDoor returns the door to records.
func newDoor(p Parts) *Door {
	return &Door{
		configurations: p.Configurations, mounts: p.Mounts, records: p.Records, prints: p.Fingerprints, locks: p.Locks,
		findings: p.Findings, quotas: p.Quotas, faults: p.Faults, unsaved: p.Unsaved, lessons: p.Lessons, now: p.Now,
	}
}

// Configurations is all that the door may do with configuration.
type Configurations interface {
	// Read is for readers, ReadExact for whoever acts on what it says.
	Read(ctx context.Context, name string) (*Integration, error)
	ReadExact(ctx context.Context, name string) (*Integration, error)
	// RecordID is the key of the integration's credential record.
	RecordID(in *Integration) (string, error)
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *Integration) (*Subject, error)
	// Home stands for where a credential of the integration is sent.
	Home(in *Integration) string
	// Houses reports whether a credential of it was checked there.
	Houses(in *Integration, s *Stored) bool
	// Siblings are the others that share its record; they must agree with it about where
	// the credential is sent.
	Siblings(ctx context.Context, id string, in *Integration) ([]*Integration, error)
}

// Mounts reads the settings of the mount.
type Mounts interface {
	Read(ctx context.Context) (*Mount, error)
}

// Unsaved are tokens that were issued and could not be stored.
type Unsaved interface {
	// Saved says that a record was stored; what was to be stored of it is void.
	Saved(id string)
	// Waits reports whether tokens wait that replace those of a record.
	Waits(id string, record *Record) bool
}

// Records are the credential records in storage. Others than the door can do nothing with
// them but what a move of an integration needs.
type Records struct {
	table *table[Record]
}

// newRecords returns the records in a storage.
func newRecords(storage logical.Storage) *Records {
	return &Records{newTable(storage, credentialsPrefix, encodeRecord, decodeRecord, &Record{})}
}

// LoadExact returns a record for whoever holds its lock.
func (r *Records) LoadExact(ctx context.Context, id string) (*Record, error) {
	return r.table.loadExact(ctx, id)
}

// Carry stores a record that has no credential under another key, too. The caller holds the
// locks of both.
func (r *Records) Carry(ctx context.Context, record *Record, to string) error {
	return r.table.save(ctx, to, record)
}

// Remove deletes a record. The caller holds its lock.
func (r *Records) Remove(ctx context.Context, id string) error { return r.table.remove(ctx, id) }

// Version is a number that grows with every change.
func (r *Records) Version() uint64 { return r.table.version() }

// Invalidate forgets what is cached of a record that another node changed.
func (r *Records) Invalidate(id string) { r.table.invalidate(id) }

// SwapsTo has swaps told. It is for whoever has just made the door.
func (d *Door) SwapsTo(tell TellSwap) { d.journal = tell }

// Version is a number that grows with every change of a record, or of what is known of one.
func (d *Door) Version() uint64 { return d.records.Version() + d.lessons.changes.Load() }

// Close lets nothing begin that goes on after its request, and waits a moment for what does.
func (d *Door) Close(wait time.Duration) { d.work.close(wait) }

// Begin counts something that goes on after its request; Close waits for it until done is
// called. It fails once the door is closed.
func (d *Door) Begin() (done func(), err error) {
	if err := d.work.begin(); err != nil {
		return nil, err
	}
	return d.work.done, nil
}

// Validate does the checks of a re-authentication and stores nothing. Change.After is what
// one now would store.
func (d *Door) Validate(ctx context.Context, name string, entry Entry) (*Change, error) {
	in, before, err := d.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	subject, err := d.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	change := &Change{Integration: in, Before: before}
	next, err := d.check(ctx, subject, entry, change)
	if err != nil {
		return nil, err
	}
	change.After = before.swapped(next, CauseReauth, Actor{}, subject.Mount.HistoryLimit)
	return change, nil
}

// subject resolves an integration, with the mount's settings.
func (d *Door) subject(ctx context.Context, in *Integration) (*Subject, error) {
	mount, err := d.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	subject, err := d.configurations.Subject(in)
	if err != nil {
		return nil, err
	}
	subject.Mount = mount
	return subject, nil
}

// Keep drops what is remembered of records that are gone.
func (d *Door) Keep(ids map[string]bool) {
	d.quotas.keep(ids)
	d.lessons.keep(ids)
}

// Turn returns a number that is larger than all before, for the order in which checks begin.
func (d *Door) Turn() uint64 { return d.lessons.turn() }
