package notify

import (
	"sync"
	"time"
)

// State is how it goes with a target, as far as this node knows since it started.
type State struct {
	LastDeliveredAt time.Time
	// LastFailure is a sentence, "" where nothing failed. It may name the host.
	LastFailure   string
	LastFailureAt time.Time
	// Pending is how many integrations there is something to tell of that was not taken yet.
	Pending int
}

// states are those of all targets, by their ids. It is safe for concurrent use.
type states struct {
	mu   sync.Mutex
	byID map[string]State
}

func (s *states) of(id string) State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

func (s *states) change(id string, change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]State{}
	}
	state := s.byID[id]
	change(&state)
	s.byID[id] = state
}

// sent notes how a message ended.
func (s *states) sent(id string, f *failure, now time.Time) {
	s.change(id, func(state *State) {
		if f == nil {
			state.LastDeliveredAt = now
			return
		}
		state.LastFailure, state.LastFailureAt = f.detail, now
	})
}

// prune drops the states of targets that are gone.
func (s *states) prune(ids map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.byID {
		if !ids[id] {
			delete(s.byID, id)
		}
	}
}
