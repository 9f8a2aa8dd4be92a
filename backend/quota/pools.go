package quota

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// maxResources bounds what is kept by the names of resources, which callers choose.
const maxResources = 32

// Pools are what workers reported and checks found of the tokens of pools, by the key of
// their record. It is kept in memory: it is worth nothing after a while. The zero value is
// ready.
type Pools struct {
	mu    sync.Mutex
	state map[string]*poolState
	// changes grows with what is reported.
	changes atomic.Uint64
	tell    func(id string)
}

// OnChange has fn told of a record whose tokens may be chosen otherwise from now on. It is
// for the code that has just made the pools. fn must not block.
func (p *Pools) OnChange(fn func(id string)) { p.tell = fn }

func (p *Pools) changed(id string) {
	if p.tell != nil {
		p.tell(id)
	}
}

// poolState is of one version of one record.
type poolState struct {
	version int
	// used is set where something was noted since the last list.
	used bool
	// quotas are by account, not by token: tokens of one account share one.
	quotas map[string]map[string]Quota
	// refused are the fingerprints that a worker says were refused, and when it said
	// so, until a check that was begun later finds that they are taken.
	refused map[string]time.Time
	// using is the token in use, by resource.
	using map[string]use
}

// use is which token was handed out last, and when.
type use struct {
	fingerprint string
	at          time.Time
}

// at returns the state of a record, an empty one if it was replaced. The caller holds mu.
func (p *Pools) at(id string, version int) *poolState {
	if p.state == nil {
		p.state = map[string]*poolState{}
	}
	s := p.state[id]
	if s == nil || s.version != version {
		s = &poolState{version: version, quotas: map[string]map[string]Quota{}, refused: map[string]time.Time{}, using: map[string]use{}}
		p.state[id] = s
	}
	s.used = true
	return s
}

// Prune drops what is known of records that are gone. One that was used since the last
// list may be newer than the list.
func (p *Pools) Prune(ids map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.state, func(id string, s *poolState) bool { return !ids[id] && !s.used })
	for _, s := range p.state {
		s.used = false
	}
}

// Unstick lets the tokens of a record be chosen anew: their order is another.
func (p *Pools) Unstick(id string) {
	defer p.changed(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.state[id]; s != nil {
		clear(s.using)
	}
}

// Checked records the results of a check that began at asked. They replace reports that
// workers sent before that time.
func (p *Pools) Checked(id string, version int, found []backend.TokenCheck, asked, now time.Time) {
	if len(found) == 0 {
		return
	}
	defer p.changed(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes.Add(1)
	s := p.at(id, version)
	for _, c := range found {
		if at, refused := s.refused[c.Member.Fingerprint]; c.Taken && refused && !at.After(asked) {
			delete(s.refused, c.Member.Fingerprint)
		}
		if !c.Taken && !c.Limited {
			continue
		}
		account := c.Member.AccountID
		if c.Taken {
			s.outdateAll(account, asked)
		}
		for _, told := range c.Quotas {
			s.outdate(account, told.Resource, asked)
			s.note(account, told.Resource, newQuota(told.Remaining, told.ResetAt, now))
		}
		if q := s.quotas[account][backend.DefaultResource]; c.Limited && !q.Spent(now) {
			s.note(account, backend.DefaultResource, Quota{at: now, pausedUntil: now.Add(min(max(c.RetryAfter, shortestReset), longestReset))})
		}
	}
}

// QuotasOf returns the quotas of an account. A reader that is late has no part in
// what is known of a newer version.
func (p *Pools) QuotasOf(id string, version int, account string) map[string]Quota {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.state[id]; s != nil && s.version == version {
		return maps.Clone(s.quotas[account])
	}
	return nil
}

// Reported are the tokens that workers say were refused and that no check has found to be
// taken since.
func (p *Pools) Reported(id string, version int) map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := map[string]bool{}
	if s := p.state[id]; s != nil && s.version == version {
		for fingerprint := range s.refused {
			found[fingerprint] = true
		}
	}
	return found
}

// Report notes what a worker saw.
func (p *Pools) Report(id string, version int, m backend.StoredMember, r backend.Report, now time.Time) {
	defer p.changed(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes.Add(1)
	s := p.at(id, version)
	if r.Refused() {
		s.refused[m.Fingerprint] = now
	}
	if quota, told := quotaOf(r, now); told {
		s.note(m.AccountID, r.Resource, quota)
	}
}

// outdateAll is outdate for all that workers reported of an account: a check asks about the
// ordinary quota alone, but a false report of another one must not outlive it. An honest one
// comes in again with the next answer.
func (s *poolState) outdateAll(account string, asked time.Time) {
	for resource := range s.quotas[account] {
		s.outdate(account, resource, asked)
	}
}

// outdate forgets what was learnt of a quota before a check was begun that knows better.
func (s *poolState) outdate(account, resource string, asked time.Time) {
	if q, known := s.quotas[account][resource]; known && !q.at.After(asked) {
		delete(s.quotas[account], resource)
	}
}

// note merges what was learnt of a quota. What workers ask for is kept before what only
// reports name, and of these the newest: nobody can crowd out what is used.
func (s *poolState) note(account, resource string, q Quota) {
	own := s.quotas[account]
	if own == nil {
		own = map[string]Quota{}
		s.quotas[account] = own
	}
	if _, known := own[resource]; !known && len(own) >= maxResources {
		oldest(own, func(name string, q Quota) time.Time {
			if _, asked := s.using[name]; asked { // worth more for as long as it says something
				return q.at.Add(longestReset)
			}
			return q.at
		})
	}
	own[resource] = own[resource].reported(q)
}

// oldest makes room in a map: it drops the entry of the earliest moment, but never that of
// the ordinary resource.
func oldest[T any](entries map[string]T, at func(string, T) time.Time) {
	var victim string
	var earliest time.Time
	for name, entry := range entries {
		if moment := at(name, entry); name != backend.DefaultResource && (victim == "" || moment.Before(earliest)) {
			victim, earliest = name, moment
		}
	}
	delete(entries, victim)
}

// Version is a number that grows with what is reported and checked.
func (p *Pools) Version() uint64 { return p.changes.Load() }

// Choose returns the token to use for a resource. It sticks to the one in use until
// its quota is nearly gone, and then takes the one with most left. Tokens that do not
// work are taken only if none does; usable says which work.
func (p *Pools) Choose(id string, version int, members []backend.StoredMember, resource string, usable func(backend.StoredMember) bool, now time.Time) (int, Quota) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.at(id, version)
	best, bestRank := 0, rank{}
	for i, m := range members {
		q := s.quotas[m.AccountID][resource]
		_, refused := s.refused[m.Fingerprint]
		r := rank{usable: usable(m) && !refused, left: q.left(now), full: q.FullAt(now)}
		r.sticks = s.using[resource].fingerprint == m.Fingerprint && r.left > lowWater
		if i == 0 || r.better(bestRank) {
			best, bestRank = i, r
		}
	}
	if _, known := s.using[resource]; !known && len(s.using) >= maxResources {
		oldest(s.using, func(_ string, u use) time.Time { return u.at })
	}
	s.using[resource] = use{members[best].Fingerprint, now}
	return best, s.quotas[members[best].AccountID][resource]
}

// Ends are the moments at which what is known of a quota of these tokens ceases to count.
func (p *Pools) Ends(id string, version int, members []backend.StoredMember, resource string) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state[id]
	if s == nil || s.version != version {
		return nil
	}
	moments := make([]time.Time, 0, 2*len(members))
	for _, m := range members {
		q := s.quotas[m.AccountID][resource]
		moments = append(moments, q.ResetAt, q.pausedUntil)
	}
	return moments
}

// rank orders the tokens of a pool.
type rank struct {
	usable, sticks bool
	left           int64
	full           time.Time
}

func (r rank) better(other rank) bool {
	switch {
	case r.usable != other.usable:
		return r.usable
	case r.sticks != other.sticks:
		return r.sticks
	case r.left <= 0 && other.left <= 0:
		return r.full.Before(other.full)
	default:
		return r.left > other.left
	}
}
