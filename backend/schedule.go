package backend

import (
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// perHost is how many checks go to one host at a time.
	perHost = 4
	// longestConfirm is the longest time until a rejection is looked at again.
	longestConfirm = time.Minute
	// hostPause caps for how long one limited credential holds back others of its host.
	hostPause = 5 * time.Minute
	// rejectedSlower is how much more seldom a credential is checked that is rejected:
	// upstreams count bad attempts, and lock accounts.
	rejectedSlower = 4
)

// schedule is when each integration is checked next, and what was seen of it last. It
// is kept in memory: after a restart each has its place in the interval again, which
// follows from its name, so nothing is checked at once.
type schedule struct {
	mu    sync.Mutex
	plans map[string]*plan
	hosts map[string]*host
	// running are the checks under way, most of them at most.
	running, most int
	troubles      map[string]*Trouble
	idle          sync.WaitGroup
	// old is set where integrations were written since they were listed.
	old bool
}

// plan is one integration's.
type plan struct {
	name     string
	host     string
	interval time.Duration
	due      time.Time
	busy     bool  // queued or under way
	at       *host // whose queue it is in, or was taken from
	suspect  bool  // rejected once, not confirmed
	// checked is when version was checked last on this node.
	checked time.Time
	version int
	status  Status
}

// host is an upstream's host.
type host struct {
	queue   []*plan
	running int
	until   time.Time // nothing is sent before
}

func newSchedule() *schedule {
	return &schedule{plans: map[string]*plan{}, hosts: map[string]*host{}}
}

// at returns the plan of an integration. The caller holds mu.
func (s *schedule) at(name string) *plan {
	p := s.plans[name]
	if p == nil {
		p = &plan{name: name}
		s.plans[name] = p
	}
	return p
}

// put sets how often an integration is checked; interval 0 is never. A new one, and
// one whose interval changed, gets its place in the interval.
func (s *schedule) put(name, hostname string, interval time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.host = hostname
	if p.interval != interval {
		p.interval, p.due = interval, place(name, interval, now)
	}
}

// place is the next moment that is an integration's own within its interval.
func place(name string, interval time.Duration, now time.Time) time.Time {
	if interval <= 0 {
		return time.Time{}
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))
	offset := time.Duration(sum.Sum64() % uint64(interval)) //nolint:gosec // positive, see above
	next := now.Truncate(interval).Add(offset)
	if !next.After(now) {
		next = next.Add(interval)
	}
	return next
}

// keep drops the plans of integrations that are gone.
func (s *schedule) keep(names map[string]bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, p := range s.plans {
		if !names[name] && !p.busy {
			delete(s.plans, name)
			delete(s.troubles, name)
		}
	}
	for name, h := range s.hosts {
		if len(h.queue) == 0 && h.running == 0 && !now.Before(h.until) {
			delete(s.hosts, name)
		}
	}
}

// soon makes an integration due now.
func (s *schedule) soon(name string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[name]; p != nil && p.interval > 0 {
		p.due = now
	}
}

// enqueue queues what is due.
func (s *schedule) enqueue(now time.Time, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
	for _, p := range s.plans {
		if p.busy || p.interval <= 0 || now.Before(p.due) {
			continue
		}
		h := s.hosts[p.host]
		if h == nil {
			h = &host{}
			s.hosts[p.host] = h
		}
		p.busy, p.at = true, h
		h.queue = append(h.queue, p)
	}
}

// next takes a check that may begin, if there is one: of the host with the fewest
// under way.
func (s *schedule) next(now time.Time) (*plan, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running >= s.most {
		return nil, false
	}
	var best *host
	for _, h := range s.hosts {
		if len(h.queue) > 0 && h.running < perHost && !now.Before(h.until) && (best == nil || h.running < best.running) {
			best = h
		}
	}
	if best == nil {
		return nil, false
	}
	p := best.queue[0]
	best.queue = best.queue[1:]
	best.running++
	s.running++
	s.idle.Add(1) // until whoever takes it is done with all that follows
	return p, true
}

// outcome is how a check ended, for the schedule.
type outcome struct {
	// unconfirmed is set after a rejection that needs a second look.
	unconfirmed bool
	rejected    bool
	retryAfter  time.Duration
}

// done ends a check and plans the next one.
func (s *schedule) done(p *plan, o outcome, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := p.at // p.host may have changed meanwhile
	h.running--
	s.running--
	p.busy, p.suspect = false, o.unconfirmed
	switch {
	case o.unconfirmed:
		p.due = now.Add(min(longestConfirm, p.interval/4))
	case o.rejected:
		p.due = now.Add(rejectedSlower * p.interval)
	default:
		p.due = p.due.Add(p.interval + jitter(p.interval))
		if !p.due.After(now) { // it waited for longer than the interval
			p.due = place(p.name, p.interval, now)
		}
	}
	if wait := now.Add(o.retryAfter); o.retryAfter > 0 && p.due.Before(wait) {
		p.due = wait
	}
	if wait := now.Add(min(o.retryAfter, hostPause)); o.retryAfter > 0 && h.until.Before(wait) {
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

// suspect notes a rejection that a second look has to confirm.
func (s *schedule) suspect(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(name).suspect = true
}

func (s *schedule) suspected(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(name).suspect
}

// checked notes that the upstream answered about a version.
func (s *schedule) checked(name string, version int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.checked, p.version, p.suspect = now, version, false
}

// checkedAt is when a version was checked last on this node, zero if it was not.
func (s *schedule) checkedAt(name string, version int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.plans[name]; p != nil && p.version == version {
		return p.checked
	}
	return time.Time{}
}

// changed notes a status and reports whether it is another than the one before.
func (s *schedule) changed(name string, status Status) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	before := p.status
	p.status = status
	return before != "" && before != status
}

// shortest is the shortest interval, 0 if nothing is checked.
func (s *schedule) shortest() time.Duration {
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
func (s *schedule) outdate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old = true
}

// outdated reports whether it should, once.
func (s *schedule) outdated() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.old
	s.old = false
	return old
}
