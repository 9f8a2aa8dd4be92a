package backend

import (
	"context"
	"slices"
	"sync"
)

// findings are what the checks came to. What cannot be stored is kept in memory: a check
// that found a credential dead must be seen, and must slow down the next ones, while
// storage takes no writes.
type findings struct {
	*table[Finding]
	faults *faults

	mu sync.Mutex
	// unsaved are the integrations whose finding is only in the cache.
	unsaved map[string]bool
}

// keep stores a finding, or keeps it until it can be. The error is of the context. The
// caller holds the lock of the integration's health.
func (f *findings) keep(ctx context.Context, name string, finding *Finding) error {
	err := f.save(ctx, name, finding)
	if err == nil || ctx.Err() != nil {
		return err
	}
	f.mu.Lock()
	if f.unsaved == nil {
		f.unsaved = map[string]bool{}
	}
	f.unsaved[name] = true
	f.mu.Unlock()
	f.cache.replace(name, finding)
	f.faults.note(DeedStore, "", err)
	return nil
}

// save is the table's.
func (f *findings) save(ctx context.Context, name string, finding *Finding) error {
	err := f.table.save(ctx, name, finding)
	if err == nil {
		f.settled(name)
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
	f.settled(name)
	f.table.invalidate(name)
}

// drop forgets a finding that is only in memory.
func (f *findings) drop(name string) {
	if f.isUnsaved(name) {
		f.settled(name)
		f.table.invalidate(name)
	}
}

// settled notes that storage has what is known of an integration.
func (f *findings) settled(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.unsaved, name)
	if len(f.unsaved) == 0 {
		f.faults.note(DeedStore, "", nil)
	}
}

func (f *findings) isUnsaved(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unsaved[name]
}

// waiting are the integrations whose finding is not stored, sorted.
func (f *findings) waiting() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, 0, len(f.unsaved))
	for name := range f.unsaved {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// forgetUnsaved drops all that is only in memory: another node was active meanwhile and
// knows better.
func (f *findings) forgetUnsaved() {
	for _, name := range f.waiting() {
		f.drop(name)
	}
}

// storeUnsaved tries again to store what could not be stored. While storage takes
// nothing it is not asked for each.
func (w *Watch) storeUnsaved(ctx context.Context) {
	failed := 0
	for _, name := range w.findings.waiting() {
		if ctx.Err() != nil || failed == maxFaults {
			return
		}
		if err := w.storeOne(ctx, name); err != nil {
			failed++
			w.faults.note(DeedStore, "", err)
		}
	}
}

func (w *Watch) storeOne(ctx context.Context, name string) error {
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
