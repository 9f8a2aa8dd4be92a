package oauth

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
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

// Refreshes are the refreshes under way and those that failed a moment ago, by the
// name of the integration: those that share a record have secrets of their own, and
// one that is wrong must not be held against another. They hold what was issued until it is
// stored. The zero value is ready.
type Refreshes struct {
	flights singleflight.Group

	mu     sync.Mutex
	failed map[string]failedRefresh
	// unsaved are records that could not be stored after the upstream had issued new
	// tokens. Nobody gets them until they are.
	unsaved map[string]unsavedRefresh // by the key of the record
}

type failedRefresh struct {
	// of is the credential; another one has done nothing wrong.
	of    string
	until time.Time
	err   error
}

type unsavedRefresh struct {
	before *backend.Record // whose refresh token was exchanged
	grant  providers.Grant
	asked  time.Time
}

// join returns the end of the refresh of an integration, which fn begins if none is
// under way. It fails once the door is closed.
func (r *Refreshes) join(door *credential.Door, name string, fn func() (any, error)) (<-chan singleflight.Result, error) {
	done, err := door.Begin()
	if err != nil {
		return nil, err
	}
	flight, end := r.flights.DoChan(name, fn), make(chan singleflight.Result, 1)
	go func() {
		defer done()
		end <- <-flight
	}()
	return end, nil
}

// pausing returns the error of a refresh that failed a moment ago, while it is too
// early for the next.
func (r *Refreshes) pausing(name string, record *backend.Record, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.failed[name]; ok && now.Before(f.until) && f.of == refreshOf(record) {
		return f.err
	}
	return nil
}

// note remembers how a refresh ended.
func (r *Refreshes) note(name string, record *backend.Record, now time.Time, err error) {
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
	var refused *backend.Error
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
func refreshOf(record *backend.Record) string {
	if record.Current == nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", record.Version, record.Current.Fingerprint, record.Current.VerifiedAt)
}

// putUnsaved holds what was issued until it is stored.
func (r *Refreshes) putUnsaved(id string, u unsavedRefresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsaved == nil {
		r.unsaved = map[string]unsavedRefresh{}
	}
	r.unsaved[id] = u
}

// kept returns what was issued for the credential of a record and could not be stored.
func (r *Refreshes) kept(id string, record *backend.Record) (unsavedRefresh, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.unsaved[id]
	return u, ok && u.before.Version == record.Version && u.before.Current.Fingerprint == record.Current.Fingerprint
}

// Waits reports whether something was issued for the credential of a record that could not
// be stored.
func (r *Refreshes) Waits(id string, record *backend.Record) bool {
	_, waits := r.kept(id, record)
	return waits
}

// Saved forgets what was to be stored: the record was, or is gone.
func (r *Refreshes) Saved(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.unsaved, id)
}
