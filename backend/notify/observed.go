package notify

import (
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// observed is from when on each integration's status has been what it is. It is kept in
// memory; after a restart, from when its health says. It is safe for concurrent use.
type observed struct {
	mu sync.Mutex
	by map[string]sight
}

type sight struct {
	id     string
	status backend.Status
	code   string
	since  time.Time
}

// since returns from when on the status has been what it is, and its code, where the code
// is told: of what heals by itself, the reason may change again and again.
func (o *observed) since(s *Subject, now time.Time) time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	have, known := o.by[s.Name]
	code := toldCode(s)
	if !known || have.id != s.ID || have.status != s.Status || have.code != code {
		have = sight{id: s.ID, status: s.Status, code: code, since: now}
		if !known && !s.Since.IsZero() && s.Since.Before(now) {
			have.since = s.Since
		}
	}
	if s.Since.After(have.since) && !s.Since.After(now) {
		have.since = s.Since // it was another one in between
	}
	if o.by == nil {
		o.by = map[string]sight{}
	}
	o.by[s.Name] = have
	return have.since
}

// clear drops all, for when nobody looks any more.
func (o *observed) clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.by)
}

// prune drops those of integrations that are gone.
func (o *observed) prune(names map[string]bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name := range o.by {
		if !names[name] {
			delete(o.by, name)
		}
	}
}
