package rotation

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/backend"
)

const (
	// rotatePause is how long a rotation by itself that failed rests at first; each
	// failure doubles it, up to longestRotatePause.
	rotatePause        = 15 * time.Minute
	longestRotatePause = 12 * time.Hour
)

// Trouble is why a credential is not rotated by itself.
type Trouble struct {
	Code, Message string
	Since         time.Time
	version       int // of the credential that could not be rotated
	failures      int
	until         time.Time
}

// Troubles are those of all integrations, in memory. The zero value is ready.
type Troubles struct {
	mu     sync.Mutex
	byName map[string]*Trouble
	// changes grows with every rotation by itself that ended.
	changes atomic.Uint64
}

// Version is a number that grows with every rotation by itself that ended.
func (s *Troubles) Version() uint64 { return s.changes.Load() }

// RestsUntil is until when a rotation by itself that failed rests, zero for not at all.
func (s *Troubles) RestsUntil(name string, version int) time.Time {
	if t := s.Of(name, version); t != nil {
		return t.until
	}
	return time.Time{}
}

// Rotated notes how a rotation by itself ended.
func (s *Troubles) Rotated(name string, version int, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	if err == nil || errors.Is(err, ErrNotDue) {
		delete(s.byName, name)
		return
	}
	t := &Trouble{Message: "storage failed", Since: now, version: version}
	if old := s.byName[name]; old != nil && old.version == version {
		t.Since, t.failures = old.Since, old.failures
	}
	var refused *backend.Error
	if errors.As(err, &refused) {
		t.Code, t.Message = refused.Code, refused.Message
	}
	t.until = now.Add(min(rotatePause<<min(t.failures, 10), longestRotatePause))
	t.failures++
	if s.byName == nil {
		s.byName = map[string]*Trouble{}
	}
	s.byName[name] = t
}

// Of returns why a credential is not rotated by itself, nil where it is.
func (s *Troubles) Of(name string, version int) *Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.byName[name]; t != nil && t.version == version {
		return t
	}
	return nil
}

// Prune drops those of integrations that are gone.
func (s *Troubles) Prune(names map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byName, func(name string, _ *Trouble) bool { return !names[name] })
}
