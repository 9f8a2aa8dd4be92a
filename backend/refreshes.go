package backend

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-sei/providers"
)

const (
	// refreshPause is the shortest pause between a refresh that could not tell and the
	// next one; longestPause caps what an upstream asks for.
	refreshPause = 5 * time.Second
	// blockedPause is that after one that a person must do something about.
	blockedPause = time.Minute
	longestPause = 10 * time.Minute
)

// refreshes are the refreshes under way and those that failed a moment ago, by the
// name of the integration: those that share a record have secrets of their own, and
// one that is wrong must not be held against another. They also count what else goes on
// after its request has gone, and hold what came of it until it is stored. The zero value
// is ready.
type refreshes struct {
	flights singleflight.Group
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	failed map[string]failedRefresh
	// unsaved are records that could not be stored after the upstream had issued new
	// tokens. Nobody gets them until they are.
	unsaved map[string]unsavedRefresh // by the key of the record
	// successors are those of rotations that could not be stored.
	successors map[string]*Pending
}

type failedRefresh struct {
	// of is the credential; another one has done nothing wrong.
	of    string
	until time.Time
	err   error
}

type unsavedRefresh struct {
	before *Record // whose refresh token was traded
	grant  providers.Grant
	asked  time.Time
}

// join returns the end of the refresh of an integration, which fn begins if none is
// under way. It fails once the refreshes are closed.
func (r *refreshes) join(name string, fn func() (any, error)) (<-chan singleflight.Result, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	flight, end := r.flights.DoChan(name, fn), make(chan singleflight.Result, 1)
	go func() {
		defer r.done()
		end <- <-flight
	}()
	return end, nil
}

// begin counts something whose result close waits for. It fails once they are closed.
func (r *refreshes) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("the engine is shutting down")
	}
	r.running.Add(1)
	return nil
}

// done ends what begin has counted.
func (r *refreshes) done() { r.running.Done() }

// close lets no refresh begin and waits for those under way, for a while: an answer
// that is not saved may be lost for good.
func (r *refreshes) close(wait time.Duration) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// pausing returns the error of a refresh that failed a moment ago, while it is too
// early for the next.
func (r *refreshes) pausing(name string, record *Record, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.failed[name]; ok && now.Before(f.until) && f.of == refreshOf(record) {
		return f.err
	}
	return nil
}

// note remembers how a refresh ended.
func (r *refreshes) note(name string, record *Record, now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for old, f := range r.failed {
		if old == name || !now.Before(f.until) {
			delete(r.failed, old)
		}
	}
	if err == nil {
		return
	}
	pause := refreshPause
	var refused *Error
	if errors.As(err, &refused) {
		if refused.Code == string(providers.AccountBlocked) {
			pause = blockedPause
		}
		pause = min(max(pause, time.Duration(refused.RetryAfter)*time.Second), longestPause)
	}
	if r.failed == nil {
		r.failed = map[string]failedRefresh{}
	}
	r.failed[name] = failedRefresh{of: refreshOf(record), until: now.Add(pause), err: err}
}

// refreshOf stands for the credential of a record.
func refreshOf(record *Record) string {
	if record.Current == nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", record.Version, record.Current.Fingerprint, record.Current.VerifiedAt)
}

// keep holds what was issued until it is stored.
func (r *refreshes) keep(id string, u unsavedRefresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsaved == nil {
		r.unsaved = map[string]unsavedRefresh{}
	}
	r.unsaved[id] = u
}

// kept returns what was issued for the credential of a record and could not be stored.
func (r *refreshes) kept(id string, record *Record) (unsavedRefresh, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.unsaved[id]
	return u, ok && u.before.Version == record.Version && u.before.Current.Fingerprint == record.Current.Fingerprint
}

// saved forgets what was to be stored: the record was.
func (r *refreshes) saved(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.unsaved, id)
}

// made holds a successor until it is stored; nil says that it is.
func (r *refreshes) made(id string, p *Pending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.successors == nil {
		r.successors = map[string]*Pending{}
	}
	if p == nil {
		delete(r.successors, id)
		return
	}
	r.successors[id] = p
}

// forget drops what could not be stored of a record that is gone.
func (r *refreshes) forget(id string) {
	r.saved(id)
	r.made(id, nil)
}

// unsavedSuccessor returns what made holds.
func (r *refreshes) unsavedSuccessor(id string) *Pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.successors[id]
}
