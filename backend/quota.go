package backend

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultResource is what a report is about that names none: the ordinary API.
	DefaultResource = "core"
	// nearlyGone is the rest of a quota at which another token is taken.
	nearlyGone = 50
	// shortestReset is assumed where an upstream limits and does not say how long.
	shortestReset = time.Minute
	// longestReset caps a moment that cannot be right: no quota lasts longer than a day.
	longestReset = 24 * time.Hour
	// maxResources bounds what workers can report of one account.
	maxResources = 32
)

// Quota is what is left of an account's quota for one resource, as workers report it.
type Quota struct {
	Remaining int64
	// ResetAt is when it is full again; after that nothing is known.
	ResetAt time.Time
	// known is set once somebody reported; assumed where the end of the window was not.
	known, assumed bool
	// pausedUntil is set where the upstream limits although the quota has a rest, or
	// does not say when it is full again.
	pausedUntil time.Time
}

// current reports whether the quota still says something.
func (q Quota) current(now time.Time) bool { return q.known && now.Before(q.ResetAt) }

// spent reports whether nothing is left.
func (q Quota) spent(now time.Time) bool { return q.left(now) <= 0 }

// fullAt is when there is something left again of a quota that is spent.
func (q Quota) fullAt(now time.Time) time.Time {
	if q.current(now) && q.Remaining <= 0 && q.ResetAt.After(q.pausedUntil) {
		return q.ResetAt
	}
	return q.pausedUntil
}

// left is what can still be used; a quota that nobody reported counts as full.
func (q Quota) left(now time.Time) int64 {
	switch {
	case now.Before(q.pausedUntil):
		return 0
	case !q.current(now):
		return 1 << 40
	}
	return q.Remaining
}

// reported merges a report. Reports overtake each other: within one window the lowest
// rest is the newest, and one of an earlier window says nothing.
func (q Quota) reported(next Quota, now time.Time) Quota {
	const skew = 5 * time.Second // upstreams round the moment, and differ by a second
	if q.pausedUntil.After(next.pausedUntil) {
		next.pausedUntil = q.pausedUntil
	}
	q.pausedUntil = next.pausedUntil
	switch {
	case !q.current(now):
		next.known = true
		return next
	case !next.known:
		return q
	case next.assumed && !q.assumed:
		q.Remaining = min(q.Remaining, next.Remaining)
		return q
	case q.assumed && !next.assumed || next.ResetAt.After(q.ResetAt.Add(skew)):
		return next
	case next.ResetAt.Before(q.ResetAt.Add(-skew)):
		return q
	}
	q.Remaining = min(q.Remaining, next.Remaining)
	return q
}

// pools are what workers reported of the tokens of pools, by the key of their record.
// It is kept in memory: it is worth nothing after a while. The zero value is ready.
type pools struct {
	mu    sync.Mutex
	state map[string]*poolState
	// changes grows with what is reported.
	changes atomic.Uint64
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
	// using is the fingerprint in use, by resource.
	using map[string]string
}

// at returns the state of a record, an empty one if it was replaced. The caller holds mu.
func (p *pools) at(id string, version int) *poolState {
	if p.state == nil {
		p.state = map[string]*poolState{}
	}
	s := p.state[id]
	if s == nil || s.version != version {
		s = &poolState{version: version, quotas: map[string]map[string]Quota{}, refused: map[string]time.Time{}, using: map[string]string{}}
		p.state[id] = s
	}
	s.used = true
	return s
}

// keep drops what is known of records that are gone. One that was used since the last
// list may be newer than the list.
func (p *pools) keep(ids map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.state, func(id string, s *poolState) bool { return !ids[id] && !s.used })
	for _, s := range p.state {
		s.used = false
	}
}

// taken forgets of what workers said was refused the tokens that the upstream took in
// a check that was begun later: that knows better.
func (p *pools) taken(id string, version int, fingerprints []string, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state[id]
	if s == nil || s.version != version {
		return
	}
	for _, fingerprint := range fingerprints {
		if at, refused := s.refused[fingerprint]; refused && !at.After(asked) {
			delete(s.refused, fingerprint)
		}
	}
}

// quotasOf returns the quotas of an account. A reader that is late has no part in
// what is known of a newer version.
func (p *pools) quotasOf(id string, version int, account string) map[string]Quota {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.state[id]; s != nil && s.version == version {
		return maps.Clone(s.quotas[account])
	}
	return nil
}

// report notes what a worker saw.
func (p *pools) report(id string, version int, m StoredMember, r Report, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes.Add(1)
	s := p.at(id, version)
	if r.Refused() {
		s.refused[m.Fingerprint] = now
	}
	quota, told := r.quota(now)
	if !told {
		return
	}
	own := s.quotas[m.AccountID]
	if own == nil {
		own = map[string]Quota{}
		s.quotas[m.AccountID] = own
	}
	if _, known := own[r.Resource]; known || len(own) < maxResources {
		own[r.Resource] = own[r.Resource].reported(quota, now)
	}
}

// choose returns the token to use for a resource. It sticks to the one in use until
// its quota is nearly gone, and then takes the one with most left. Tokens that do not
// work are taken only if none does; usable says which work.
func (p *pools) choose(id string, version int, members []StoredMember, resource string, usable func(StoredMember) bool, now time.Time) (int, Quota) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.at(id, version)
	best, bestRank := 0, rank{}
	for i, m := range members {
		q := s.quotas[m.AccountID][resource]
		_, refused := s.refused[m.Fingerprint]
		r := rank{usable: usable(m) && !refused, left: q.left(now), full: q.fullAt(now)}
		r.sticks = s.using[resource] == m.Fingerprint && r.left > nearlyGone
		if i == 0 || r.better(bestRank) {
			best, bestRank = i, r
		}
	}
	s.using[resource] = members[best].Fingerprint
	return best, s.quotas[members[best].AccountID][resource]
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

// choose completes a handout of a pool.
func (c *Credentials) choose(ctx context.Context, out *Handout, resource string) (*Handout, error) {
	id, err := c.integrations.recordID(out.Integration)
	if err != nil {
		return nil, err
	}
	finding, err := c.findings.load(ctx, out.Integration.Name)
	if err != nil {
		return nil, err
	}
	finding, now := finding.of(out.Record.Version), c.now()
	usable := func(m StoredMember) bool {
		dead := verdict(finding.Members[m.Fingerprint].Code)
		return !dead && (m.ExpiresAt.IsZero() || now.Before(m.ExpiresAt))
	}
	var quota Quota
	out.Member, quota = c.pools.choose(id, out.Record.Version, out.Record.Current.Members, resource, usable, now)
	if quota.spent(now) {
		out.ReadAgainAt = quota.fullAt(now)
		out.Warning = fmt.Sprintf("the quota of every token that works is used up for %s; the next is full again on %s", resource, out.ReadAgainAt.UTC().Format(time.RFC3339))
	}
	return out, nil
}
