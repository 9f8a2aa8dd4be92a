package finding

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/store"
)

// Findings is the door to what checks found. What cannot be stored is kept in memory: a
// check that found a credential dead must be seen, and must slow down the next ones, while
// storage takes no writes. They are changed by a caller that holds them, and by nobody else.
type Findings struct {
	table *store.Table[backend.Finding]
	locks *store.Locks
	// backlog has those that are only in the cache.
	backlog *fault.Backlog
}

// New returns the findings in a storage. Those that it does not take are put into
// the backlog.
func New(storage logical.Storage, locks *store.Locks, backlog *fault.Backlog) *Findings {
	return &Findings{locks: locks, backlog: backlog, table: store.NewTable(storage, backend.HealthPrefix, backend.EncodeFinding, backend.DecodeFinding, &backend.Finding{})}
}

// Load returns what is known of an integration, for readers.
func (f *Findings) Load(ctx context.Context, name string) (*backend.Finding, error) {
	return f.table.Load(ctx, name)
}

// List returns the integrations that have a finding. Afterwards those that have none can be
// read without storage.
func (f *Findings) List(ctx context.Context) ([]string, error) { return f.table.List(ctx) }

// Version is a number that grows with every change.
func (f *Findings) Version() uint64 { return f.table.Version() }

// OnChange has fn told, by its key in storage, of each finding that may read otherwise. It
// is for the code that has just made the findings.
func (f *Findings) OnChange(fn func(key string)) { f.table.OnChange(fn) }

// Invalidate forgets what is cached of an integration that another node changed.
func (f *Findings) Invalidate(name string) {
	f.backlog.Done(backend.HealthPrefix + name)
	f.table.Invalidate(name)
}

// Hold locks the finding of an integration. A caller that holds its credential record, too, has
// locked that before.
func (f *Findings) Hold(ctx context.Context, name string) (*Held, error) {
	release, err := f.locks.Acquire(ctx, "health/"+name) // no integration has this name
	if err != nil {
		return nil, err
	}
	return &Held{findings: f, name: name, release: release}, nil
}

// Held is what was found of an integration, under its lock. Release it.
type Held struct {
	findings *Findings
	name     string
	release  func()
}

// Release gives the finding back.
func (h *Held) Release() { h.release() }

// Load returns what is stored, or would be if storage took it.
func (h *Held) Load(ctx context.Context) (*backend.Finding, error) {
	return h.findings.table.LoadExact(ctx, h.name)
}

// Save stores a finding. Where that fails, what is only in memory stays there.
func (h *Held) Save(ctx context.Context, finding *backend.Finding) error {
	return h.write(ctx, func() error { return h.findings.table.Save(ctx, h.name, finding) })
}

// write changes what is stored, as Save says.
func (h *Held) write(ctx context.Context, do func() error) error {
	var waiting *backend.Finding
	if h.IsUnsaved() {
		waiting, _ = h.Load(ctx)
	}
	err := do()
	switch {
	case err == nil:
		h.findings.backlog.Done(backend.HealthPrefix + h.name)
	case waiting != nil && h.IsUnsaved():
		h.findings.table.Hold(h.name, waiting)
	}
	return err
}

// Keep stores a finding, or keeps it until it can be, also where the request has ended: the
// error is of that.
func (h *Held) Keep(ctx context.Context, finding *backend.Finding) error {
	err := h.Save(ctx, finding)
	if err == nil {
		return nil
	}
	h.Postpone(finding, err)
	return ctx.Err()
}

// Postpone keeps a finding in memory that storage did not take.
func (h *Held) Postpone(finding *backend.Finding, why error) {
	h.findings.table.Hold(h.name, finding)
	h.findings.backlog.Add(backend.HealthPrefix+h.name, why)
}

// Remove deletes the finding. Where that fails, what is only in memory stays there.
func (h *Held) Remove(ctx context.Context) error {
	return h.write(ctx, func() error { return h.findings.table.Remove(ctx, h.name) })
}

// IsUnsaved reports whether storage does not have the finding yet.
func (h *Held) IsUnsaved() bool { return h.findings.isUnsaved(h.name) }

// drop forgets a finding that is only in memory.
func (f *Findings) drop(name string) {
	if f.isUnsaved(name) {
		f.Invalidate(name)
	}
}

func (f *Findings) isUnsaved(name string) bool { return f.backlog.Has(backend.HealthPrefix + name) }

// ForgetUnsaved drops all that is only in memory: another node was active meanwhile and
// knows better.
func (f *Findings) ForgetUnsaved() {
	for _, name := range f.backlog.Of(backend.HealthPrefix) {
		f.drop(name)
	}
}

// StoreUnsaved tries again to store what could not be stored. current is the version of an
// integration's credential, -1 where there is no such integration.
func (f *Findings) StoreUnsaved(ctx context.Context, current func(ctx context.Context, name string) (int, error)) {
	f.backlog.Retry(ctx, backend.HealthPrefix, func(ctx context.Context, name string) error { return f.storeOne(ctx, name, current) })
}

func (f *Findings) storeOne(ctx context.Context, name string, current func(ctx context.Context, name string) (int, error)) error {
	held, err := f.Hold(ctx, name)
	if err != nil {
		return err
	}
	defer held.Release()
	if !f.isUnsaved(name) {
		return nil // a check was faster
	}
	finding, err := held.Load(ctx)
	if err != nil {
		return err
	}
	version, err := current(ctx, name)
	if err != nil {
		return err
	}
	if version != finding.Version {
		f.drop(name) // it speaks of a credential that is gone
		return nil
	}
	return held.Save(ctx, finding)
}
