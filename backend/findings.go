package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"
)

// findings is the door to what checks found. What cannot be stored is kept in memory: a
// check that found a credential dead must be seen, and must slow down the next ones, while
// storage takes no writes. They are changed by whoever holds them, and by nobody else.
type findings struct {
	table *table[Finding]
	locks *locks
	// backlog has those that are only in the cache.
	backlog *backlog
}

// newFindings returns the findings in a storage. Those that it does not take are put into
// the backlog.
func newFindings(storage logical.Storage, locks *locks, backlog *backlog) *findings {
	return &findings{locks: locks, backlog: backlog, table: newTable(storage, healthPrefix, encodeFinding, decodeFinding, &Finding{})}
}

// Load returns what is known of an integration, for readers.
func (f *findings) Load(ctx context.Context, name string) (*Finding, error) {
	return f.table.load(ctx, name)
}

// list returns the integrations that have a finding. Afterwards those that have none can be
// read without storage.
func (f *findings) list(ctx context.Context) ([]string, error) { return f.table.list(ctx) }

// version is a number that grows with every change.
func (f *findings) version() uint64 { return f.table.version() }

// invalidate forgets what is cached of an integration that another node changed.
func (f *findings) invalidate(name string) {
	f.backlog.done(healthPrefix + name)
	f.table.invalidate(name)
}

// hold locks the finding of an integration. Whoever holds its credential record, too, has
// locked that before.
func (f *findings) hold(ctx context.Context, name string) (*heldFinding, error) {
	release, err := f.locks.acquire(ctx, "health/"+name) // no integration has this name
	if err != nil {
		return nil, err
	}
	return &heldFinding{findings: f, name: name, release: release}, nil
}

// heldFinding is what was found of an integration, under its lock. Release it.
type heldFinding struct {
	findings *findings
	name     string
	release  func()
}

// load returns what is stored, or would be if storage took it.
func (h *heldFinding) load(ctx context.Context) (*Finding, error) {
	return h.findings.table.loadExact(ctx, h.name)
}

// save stores a finding. Where that fails, what is only in memory stays there.
func (h *heldFinding) save(ctx context.Context, finding *Finding) error {
	var waiting *Finding
	if h.isUnsaved() {
		waiting, _ = h.load(ctx)
	}
	err := h.findings.table.save(ctx, h.name, finding)
	switch {
	case err == nil:
		h.findings.backlog.done(healthPrefix + h.name)
	case waiting != nil && h.isUnsaved():
		h.findings.table.hold(h.name, waiting)
	}
	return err
}

// keep stores a finding, or keeps it until it can be, also where the request has ended: the
// error is of that.
func (h *heldFinding) keep(ctx context.Context, finding *Finding) error {
	err := h.save(ctx, finding)
	if err == nil {
		return nil
	}
	h.postpone(finding, err)
	return ctx.Err()
}

// postpone keeps a finding in memory that storage did not take.
func (h *heldFinding) postpone(finding *Finding, why error) {
	h.findings.table.hold(h.name, finding)
	h.findings.backlog.add(healthPrefix+h.name, why)
}

// remove deletes the finding. What is only in memory goes whatever storage says.
func (h *heldFinding) remove(ctx context.Context) error {
	h.findings.drop(h.name)
	return h.findings.table.remove(ctx, h.name)
}

// isUnsaved reports whether storage does not have the finding yet.
func (h *heldFinding) isUnsaved() bool { return h.findings.isUnsaved(h.name) }

// drop forgets a finding that is only in memory.
func (f *findings) drop(name string) {
	if f.isUnsaved(name) {
		f.invalidate(name)
	}
}

func (f *findings) isUnsaved(name string) bool { return f.backlog.has(healthPrefix + name) }

// forgetUnsaved drops all that is only in memory: another node was active meanwhile and
// knows better.
func (f *findings) forgetUnsaved() {
	for _, name := range f.backlog.of(healthPrefix) {
		f.drop(name)
	}
}

// storeUnsaved tries again to store what could not be stored. current is the version of an
// integration's credential, -1 where there is no such integration.
func (f *findings) storeUnsaved(ctx context.Context, current func(ctx context.Context, name string) (int, error)) {
	f.backlog.retry(ctx, healthPrefix, func(ctx context.Context, name string) error { return f.storeOne(ctx, name, current) })
}

func (f *findings) storeOne(ctx context.Context, name string, current func(ctx context.Context, name string) (int, error)) error {
	held, err := f.hold(ctx, name)
	if err != nil {
		return err
	}
	defer held.release()
	if !f.isUnsaved(name) {
		return nil // a check was faster
	}
	finding, err := held.load(ctx)
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
	return held.save(ctx, finding)
}
