package credential

import (
	"context"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/fingerprint"
	"vault-plugin-secrets-sei/backend/quota"
	"vault-plugin-secrets-sei/backend/store"
)

// Door is the only way to a credential: it alone can change one. It can read configuration
// and has no way to write it. It is safe for concurrent use; changes of one record are
// serialised, readers never wait for them.
type Door struct {
	configurations Configurations
	mounts         Mounts
	records        *Records
	prints         *fingerprint.Fingerprints
	locks          *store.Locks
	findings       *finding.Findings // of pools, to know which tokens work
	quotas         *quota.Pools
	faults         *fault.Faults
	unsaved        Unsaved
	lessons        *Lessons
	now            func() time.Time

	work    work
	journal backend.TellSwap // nil for nobody
}

// Dependencies are what a door is made of. None may be nil. New keeps them, and nobody else
// reads this struct: its fields are exported for a literal in package mounted.
type Dependencies struct {
	Configurations Configurations
	Mounts         Mounts
	Records        *Records
	Fingerprints   *fingerprint.Fingerprints
	Locks          *store.Locks
	Findings       *finding.Findings
	Quotas         *quota.Pools
	Faults         *fault.Faults
	Unsaved        Unsaved
	Lessons        *Lessons
	Now            func() time.Time
}

// New returns the door to records.
func New(p Dependencies) *Door {
	return &Door{
		configurations: p.Configurations, mounts: p.Mounts, records: p.Records, prints: p.Fingerprints, locks: p.Locks,
		findings: p.Findings, quotas: p.Quotas, faults: p.Faults, unsaved: p.Unsaved, lessons: p.Lessons, now: p.Now,
	}
}

// Configurations is all that the door may do with configuration.
type Configurations interface {
	// Read is for readers, ReadExact for a caller that acts on it.
	Read(ctx context.Context, name string) (*backend.Integration, error)
	ReadExact(ctx context.Context, name string) (*backend.Integration, error)
	// RecordID is the key of the integration's credential record.
	RecordID(in *backend.Integration) (string, error)
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *backend.Integration) (*backend.Subject, error)
	// Destination stands for where a credential of the integration is sent.
	Destination(in *backend.Integration) string
	// SameDestination reports whether a credential of it was checked there.
	SameDestination(in *backend.Integration, s *backend.Stored) bool
	// Siblings are the others that share its record; they must agree with it about where
	// the credential is sent.
	Siblings(ctx context.Context, id string, in *backend.Integration) ([]*backend.Integration, error)
}

// Mounts reads the settings of the mount.
type Mounts interface {
	Read(ctx context.Context) (*backend.Mount, error)
}

// Unsaved are tokens that were issued and could not be stored.
type Unsaved interface {
	// Saved says that a record was stored; what was to be stored of it is void.
	Saved(id string)
	// Waits reports whether tokens wait that replace those of a record.
	Waits(id string, record *backend.Record) bool
}

// SwapsTo has swaps told. It is for the code that has just made the door.
func (d *Door) SwapsTo(tell backend.TellSwap) { d.journal = tell }

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
func (d *Door) Validate(ctx context.Context, name string, entry backend.Entry) (*backend.Change, error) {
	in, before, err := d.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	subject, err := d.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	change := &backend.Change{Integration: in, Before: before}
	next, err := d.check(ctx, subject, entry, change)
	if err != nil {
		return nil, err
	}
	change.After = before.Swapped(next, backend.CauseReauth, backend.Actor{}, subject.Mount.HistoryLimit)
	return change, nil
}

// subject resolves an integration, with the mount's settings.
func (d *Door) subject(ctx context.Context, in *backend.Integration) (*backend.Subject, error) {
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

// Prune drops what is remembered of records that are gone.
func (d *Door) Prune(ids map[string]bool) {
	d.quotas.Prune(ids)
	d.lessons.prune(ids)
}

// Turn returns a number that is larger than all before, for the order in which checks begin.
func (d *Door) Turn() uint64 { return d.lessons.turn() }
