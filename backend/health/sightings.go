package health

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// Sightings are what checks saw of each integration last, in memory.
type Sightings struct {
	mu     sync.Mutex
	byName map[string]*sighting
	// changes grows with all that Assessment is made of.
	changes atomic.Uint64
}

// sighting is one integration's.
type sighting struct {
	listed bool // the sweep knows the integration
	told   bool // something was noted since the last list
	from   int  // the token of a pool that the next check begins with
	// suspects are the tokens that were rejected once, of suspectsOf, not confirmed.
	suspects   map[string]bool
	suspectsOf int
	// checked is when version was checked last on this node.
	checked time.Time
	version int
	status  backend.Status
	// turn is that of the newest check of version, of those that have ended.
	turn   uint64
	turnOf int
	// judgements counts the times that status was set.
	judgements uint64
}

// NewSightings returns sightings of nothing.
func NewSightings() *Sightings { return &Sightings{byName: map[string]*sighting{}} }

// at returns the sighting of an integration to note something in. The caller holds mu.
func (s *Sightings) at(name string) *sighting {
	p := s.byName[name]
	if p == nil {
		p = &sighting{}
		s.byName[name] = p
	}
	p.told = true
	return p
}

// version is a number that grows with every check and every list.
func (s *Sightings) version() uint64 { return s.changes.Load() }

// Prune drops the sightings of integrations that are gone. One that something was noted in
// since the last list may be of an integration that was written after the names were read:
// it stays until the next one.
func (s *Sightings) Prune(names map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	maps.DeleteFunc(s.byName, func(name string, p *sighting) bool { return !names[name] && (p.listed || !p.told) })
	for name, p := range s.byName {
		p.told, p.listed = false, p.listed || names[name]
	}
}

// Forget drops the statuses and the suspicions: another node was active meanwhile.
func (s *Sightings) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.byName {
		p.status, p.suspects = "", nil
		p.judgements++
	}
}

// Last is the status that was judged last and when the upstream was asked last; zero where
// nothing is known.
func (s *Sightings) Last(name string) (backend.Status, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byName[name]; p != nil {
		return p.status, p.checked
	}
	return "", time.Time{}
}

// suspect notes rejections that a second check has to confirm.
func (s *Sightings) suspect(name string, version int, tokens []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(name).suspected(version, tokens)
}

// ended notes what a check by itself left to do: suspects, and the token to go on with.
func (s *Sightings) ended(name string, end sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	p.from, p.suspectsOf, p.suspects = end.from, end.suspectsOf, end.suspects
}

func (p *sighting) suspected(version int, tokens []string) {
	p.suspectsOf, p.suspects = version, nil
	if len(tokens) > 0 {
		p.suspects = setOf(tokens)
	}
}

// suspects are the tokens of a version that were rejected once.
func (s *Sightings) suspects(name string, version int) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byName[name]; p != nil && p.suspectsOf == version {
		return p.suspects
	}
	return nil
}

// continues notes the token of a pool that the next check is to begin with.
func (s *Sightings) continues(name string, from int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(name).from = from
}

// begins is the token of a pool that the next check begins with.
func (s *Sightings) begins(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byName[name]; p != nil {
		return p.from
	}
	return 0
}

// checked notes that the upstream answered about a version.
func (s *Sightings) checked(name string, version int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	p := s.at(name)
	p.checked, p.version, p.suspects = now.UTC(), version, nil
}

// newest notes the turn of a check of a version that has ended, and reports whether none that
// began later has ended before.
func (s *Sightings) newest(name string, version int, turn uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	if p.turnOf == version && p.turn > turn {
		return false
	}
	p.turn, p.turnOf = turn, version
	return true
}

// checkedAt is when a version was checked last on this node, zero if it was not.
func (s *Sightings) checkedAt(name string, version int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byName[name]; p != nil && p.version == version {
		return p.checked
	}
	return time.Time{}
}

// judgements is what to give judged; ask before judging.
func (s *Sightings) judgements(name string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byName[name]; p != nil {
		return p.judgements
	}
	return 0
}

// judged notes a status and reports whether it is another than the one before. If
// there was another judgement since the number was asked for, it is not current, and
// changes nothing: it may be of the older facts.
func (s *Sightings) judged(name string, status backend.Status, since uint64) (changed, current bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.at(name)
	if p.judgements != since {
		return false, false
	}
	before := p.status
	p.status = status
	p.judgements++
	return before != "" && before != status, true
}
