package backend

import "context"

// findings are what the checks came to. What cannot be stored is kept in memory: a check
// that found a credential dead must be seen, and must slow down the next ones, while
// storage takes no writes.
type findings struct {
	*table[Finding]
	// backlog has those that are only in the cache.
	backlog *backlog
}

// keep stores a finding, or keeps it until it can be. The error is of the context. The
// caller holds the lock of the integration's health.
func (f *findings) keep(ctx context.Context, name string, finding *Finding) error {
	err := f.save(ctx, name, finding)
	if err == nil || ctx.Err() != nil {
		return err
	}
	f.cache.replace(name, finding)
	f.backlog.add(healthPrefix+name, err)
	return nil
}

// save is the table's.
func (f *findings) save(ctx context.Context, name string, finding *Finding) error {
	err := f.table.save(ctx, name, finding)
	if err == nil {
		f.backlog.done(healthPrefix + name)
	}
	return err
}

// remove is the table's. What is only in memory goes whatever storage says.
func (f *findings) remove(ctx context.Context, name string) error {
	f.drop(name)
	return f.table.remove(ctx, name)
}

// invalidate is the table's.
func (f *findings) invalidate(name string) {
	f.backlog.done(healthPrefix + name)
	f.table.invalidate(name)
}

// drop forgets a finding that is only in memory.
func (f *findings) drop(name string) {
	if f.isUnsaved(name) {
		f.invalidate(name)
	}
}

func (f *findings) isUnsaved(name string) bool { return f.backlog.has(healthPrefix + name) }

// storeFinding tries again to store what was found of an integration.
func (w *Watch) storeFinding(ctx context.Context, name string) error {
	release, err := w.locks.acquire(ctx, "health/"+name)
	if err != nil {
		return err
	}
	defer release()
	if !w.findings.isUnsaved(name) {
		return nil // a check was faster
	}
	finding, err := w.findings.loadExact(ctx, name)
	if err != nil {
		return err
	}
	_, record, err := w.credentials.Read(ctx, name)
	if HasCode(err, CodeUnknownIntegration) || err == nil && record.Version != finding.Version {
		w.findings.drop(name) // it speaks of a credential that is gone
		return nil
	}
	if err != nil {
		return err
	}
	err = w.findings.save(ctx, name, finding)
	if err != nil {
		w.findings.cache.replace(name, finding)
	}
	return err
}
