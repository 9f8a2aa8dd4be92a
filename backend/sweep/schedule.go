package sweep

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
)

const (
	// longestConfirm is the longest time until a rejection is looked at again.
	longestConfirm = time.Minute
	// quotaConfirm is the shortest time between two checks of a quota that is said to be gone.
	quotaConfirm = 5 * time.Minute
	// hostPause caps for how long one limited credential holds back others of its host.
	hostPause = 5 * time.Minute
	// rejectedSlower is how much more seldom a credential is checked that is rejected:
	// upstreams count bad attempts, and lock accounts.
	rejectedSlower = 4
	// slowCheck is how long a check takes at a host that is slow. Slow hosts together have
	// half of the checks at most, so that the others are never kept out.
	slowCheck = 5 * time.Second
)

// Schedule is when each integration is checked next. It is kept in memory: after a restart each has its place in the interval again, which
// follows from its name, so nothing is checked at once.
type Schedule struct {
	mu    sync.Mutex
	plans map[string]*plan
	hosts map[string]*host
	// running are the checks under way, most of them at most.
	running, most int
	idle          sync.WaitGroup
	sightings     *health.Sightings
	// old is set where integrations were written since they were listed.
	old bool
}

// plan is one integration's.
type plan struct {
	name     string
	host     string
	interval time.Duration
	due      time.Time
	busy     bool // queued or under way
	again    bool // wanted again meanwhile
	listed   bool // put has been called: how often it is checked is known
	wanted   bool // a check was wanted before that
	told     bool // something was noted since the last list
	begun    time.Time
	at       *host // where it is queued or under way; host may have changed since
}

// host is an upstream's host.
type host struct {
	queue   []*plan
	running int
	// quick and slow are by the last check that ended; neither before the first.
	quick, slow bool
	until       time.Time // nothing is sent before
}

// NewSchedule returns a schedule of nothing, that goes by what checks saw.
func NewSchedule(seen *health.Sightings) *Schedule {
	return &Schedule{sightings: seen, plans: map[string]*plan{}, hosts: map[string]*host{}}
}

// at returns the plan of an integration to note something in, which is kept although the
// sweep may not have listed the integration yet. The caller holds mu.
func (s *Schedule) at(name string) *plan {
	p := s.plans[name]
	if p == nil {
		p = &plan{name: name}
		s.plans[name] = p
	}
	p.told = true
	return p
}

// put sets how often an integration is checked; interval 0 is never. A new one, and
// one whose interval changed, gets its place in the interval.
func (s *Schedule) put(name, hostname string, interval time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.host, p.listed = hostname, true
	s.fit(p, interval, now)
}

// fit gives a plan an interval, and a place in it if that is another one. The caller holds mu.
func (s *Schedule) fit(p *plan, interval time.Duration, now time.Time) {
	if p.interval != interval {
		p.interval, p.due = interval, place(p.name, interval, now)
	}
	if p.wanted && interval > 0 && !s.needsPerson(p.name) {
		s.hurry(p, longestConfirm, now)
	}
	p.wanted = false
}

// due is when a check of an integration begins that is checked so often, if others leave
// room for it; zero if it is not checked. A moment that has passed means that it is queued
// or under way.
func (s *Schedule) due(name string, interval time.Duration, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := plan{name: name}
	if known := s.plans[name]; known != nil {
		p = *known
	}
	s.fit(&p, interval, now) // as the next list will
	if p.interval <= 0 {
		return time.Time{}
	}
	h := p.at
	if h == nil {
		h = s.hosts[p.host]
	}
	if h != nil && p.due.Before(h.until) {
		return h.until
	}
	return p.due
}

// place is the next moment that is an integration's own within its interval.
func place(name string, interval time.Duration, now time.Time) time.Time {
	if interval <= 0 {
		return time.Time{}
	}
	sum := sha256.Sum256([]byte(name))                                          // a lesser one puts names that are alike close together
	offset := time.Duration(binary.BigEndian.Uint64(sum[:]) % uint64(interval)) //nolint:gosec // positive, see above
	next := now.Truncate(interval).Add(offset)
	if !next.After(now) {
		next = next.Add(interval)
	}
	return next
}

// prune drops the plans of integrations that are gone, and hosts that nothing goes to.
// One that something was noted in since the last list may be of an integration that was
// written after the names were read: it stays until the next one.
func (s *Schedule) prune(names map[string]bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.plans, func(name string, p *plan) bool { return !names[name] && !p.busy && (p.listed || !p.told) })
	for _, p := range s.plans {
		p.told = false
	}
	used := map[string]bool{}
	for _, p := range s.plans {
		used[p.host] = true
	}
	maps.DeleteFunc(s.hosts, func(name string, h *host) bool {
		return !used[name] && len(h.queue) == 0 && h.running == 0 && !now.Before(h.until)
	})
}

// soon makes an integration due now, or a while after it was checked; one that is not
// listed yet, as after a start, once it is.
func (s *Schedule) soon(name string, after time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.wanted = !p.listed
	if p.interval <= 0 || s.needsPerson(name) {
		return
	}
	p.again = p.again || p.busy && after == longestConfirm
	s.hurry(p, after, now)
}

// Soon is soon for what somebody reported.
func (s *Schedule) Soon(name string, now time.Time) { s.soon(name, longestConfirm, now) }

// needsPerson reports whether checks found that somebody must re-authenticate.
func (s *Schedule) needsPerson(name string) bool {
	status, _ := s.sightings.Last(name)
	return status == backend.StatusNeedsReauth
}

// hurry makes a plan due now, or a while after its last check. The caller holds mu.
func (s *Schedule) hurry(p *plan, after time.Duration, now time.Time) {
	due := now
	_, checked := s.sightings.Last(p.name)
	if earliest := checked.Add(after); due.Before(earliest) {
		due = earliest
	}
	if due.Before(p.due) {
		p.due = due
	}
}

// Replaced plans an integration whose credential was replaced, and that was checked more
// seldom because it was rejected, as any other.
func (s *Schedule) Replaced(name string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[name]; p != nil && p.due.After(now.Add(p.interval)) {
		p.due = place(name, p.interval, now)
	}
}

// replan gives each integration its place in the interval again: another node has been
// active meanwhile, and most of them are overdue.
func (s *Schedule) replan(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.plans {
		if !p.busy {
			p.due = place(p.name, p.interval, now)
		}
	}
}

// enqueue queues what is due, the longest overdue first.
func (s *Schedule) enqueue(now time.Time, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
	var due []*plan
	for _, p := range s.plans {
		if !p.busy && p.interval > 0 && !now.Before(p.due) {
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b *plan) int { return a.due.Compare(b.due) })
	for _, p := range due {
		h := s.host(p.host)
		p.busy, p.at = true, h
		h.queue = append(h.queue, p)
	}
}

// host returns a host, also one that nothing went to yet. The caller holds mu.
func (s *Schedule) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{}
		s.hosts[name] = h
	}
	return h
}

// next takes a check that may begin, if there is one: of the host with the fewest under
// way, so that slow hosts do not keep out others, and among those of the one that is
// overdue longest. The caller that takes one calls idle.Done when it has ended and no other begins.
func (s *Schedule) next(now time.Time) (*plan, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := s.first(now)
	if best == nil {
		return nil, false
	}
	p := best.queue[0]
	best.queue = best.queue[1:]
	best.running++
	s.running++
	p.begun = now
	s.idle.Add(1) // until the caller that takes it is done with all that follows
	return p, true
}

// first is the host whose check may begin first, nil if none may. The caller holds mu.
func (s *Schedule) first(now time.Time) *host {
	if s.running >= s.most {
		return nil
	}
	full := s.full()
	var best *host
	for _, h := range s.hosts {
		if len(h.queue) > 0 && h.open(full, now) && (best == nil || h.before(best)) {
			best = h
		}
	}
	return best
}

// full reports whether hosts that are not known to be quick have as many checks as they
// may. The caller holds mu.
func (s *Schedule) full() bool {
	slow := 0
	for _, h := range s.hosts {
		if !h.quick {
			slow += h.running
		}
	}
	return slow >= max(1, s.most/2)
}

// open reports whether another check may begin at a host; full is set where slow hosts
// have as many as they may. The first one at a host tells what it is.
func (h *host) open(full bool, now time.Time) bool {
	unknown := !h.quick && !h.slow && h.running == 0
	return h.running < health.PerHost && !now.Before(h.until) && (h.quick || unknown || !full)
}

// Lend gives another question at a host to a check that is under way, if no other check
// waits for it.
func (s *Schedule) Lend(hostname string, most int, now time.Time) (giveBack func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
	h := s.host(hostname)
	if s.running >= most || h.running >= health.PerHost || !h.quick && s.full() || now.Before(h.until) || s.first(now) != nil {
		return nil, false
	}
	h.running++
	s.running++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		h.running--
		s.running--
	}, true
}

// before reports whether the next check of a host comes before that of another.
func (h *host) before(other *host) bool {
	if h.running != other.running {
		return h.running < other.running
	}
	return h.queue[0].due.Before(other.queue[0].due)
}

// done ends a check and plans the next one.
func (s *Schedule) done(p *plan, o health.Outcome, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := p.at
	h.running--
	s.running--
	h.slow = now.Sub(p.begun) > slowCheck
	h.quick = !h.slow
	p.busy, p.at = false, nil
	switch {
	case o.Doubtful, o.Partial:
		p.due = now.Add(min(longestConfirm, p.interval/4))
	case o.Rejected:
		p.due = now.Add(rejectedSlower * p.interval)
	default:
		p.due = p.due.Add(p.interval + jitter(p.interval))
		if !p.due.After(now) { // it waited for longer than the interval
			p.due = place(p.name, p.interval, now)
		}
	}
	if p.again {
		p.again = false
		s.hurry(p, longestConfirm, now)
	}
	if wait := now.Add(o.RetryAfter); o.RetryAfter > 0 && p.due.Before(wait) {
		p.due = wait
	}
	if wait := now.Add(min(o.RetryAfter, hostPause)); o.RetryAfter > 0 && h.until.Before(wait) {
		h.until = wait
	}
}

// jitter is up to a twentieth of the interval in either direction.
func jitter(interval time.Duration) time.Duration {
	span := interval / 10
	if span <= 0 {
		return 0
	}
	return rand.N(span) - span/2 //nolint:gosec // spreads load, guards nothing
}

// shortest is the shortest interval, 0 if nothing is checked.
func (s *Schedule) shortest() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var least time.Duration
	for _, p := range s.plans {
		if p.interval > 0 && (least == 0 || p.interval < least) {
			least = p.interval
		}
	}
	return least
}

// outdate makes the sweep look at all integrations again.
func (s *Schedule) outdate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old = true
}

// outdated reports whether it should, once.
func (s *Schedule) outdated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.old
	s.old = false
	return old
}
