package waiting

import (
	"context"
	"sync"
	"time"
)

const (
	// MaxWaiting is how many reads wait in a mount at the same time.
	MaxWaiting = 1000
	// lull is how long a change that comes often waits for others, and is rung once with
	// them.
	lull = 100 * time.Millisecond
	// leaveTime is how long Close waits for those that it woke.
	leaveTime = time.Second
)

// bells wake reads by the keys of what they wait for. They are safe for concurrent use.
type bells struct {
	mu     sync.Mutex
	taken  int
	listen map[string]map[*place]bool
	soon   map[string]*time.Timer
	// closing is closed when waiting ends for all, left when the last has gone since.
	closing, left chan struct{}
	empty         bool // left is closed
}

func newBells() *bells {
	return &bells{listen: map[string]map[*place]bool{}, soon: map[string]*time.Timer{}, closing: make(chan struct{}), left: make(chan struct{})}
}

// place is that of one read that waits. Leave it.
type place struct {
	bells *bells
	wake  chan struct{}
	keys  map[string]bool
}

// take returns a place; nil if there is none left.
func (b *bells) take() *place {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken >= MaxWaiting {
		return nil
	}
	b.taken++
	return &place{bells: b, wake: make(chan struct{}, 1), keys: map[string]bool{}}
}

// hear has the place woken by a ring of the key. It reports whether it was not before.
func (p *place) hear(key string) bool {
	if p.keys[key] {
		return false
	}
	p.keys[key] = true
	b := p.bells
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listen[key] == nil {
		b.listen[key] = map[*place]bool{}
	}
	b.listen[key][p] = true
	return true
}

// leave gives the place to others.
func (p *place) leave() {
	b := p.bells
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range p.keys {
		delete(b.listen[key], p)
		if len(b.listen[key]) == 0 {
			delete(b.listen, key)
		}
	}
	b.taken--
	b.noteLeft()
}

// noteLeft closes left once waiting has ended and nobody waits. The caller holds mu.
func (b *bells) noteLeft() {
	if b.taken == 0 && b.closed() && !b.empty {
		b.empty = true
		close(b.left)
	}
}

// rest waits for a ring or until next has passed, zero for none. It is over after the wait,
// or when waiting has ended for all; the error is that of a request that is given up.
func (p *place) rest(ctx context.Context, wait, next time.Duration) (over bool, err error) {
	end := time.NewTimer(wait)
	defer end.Stop()
	var look <-chan time.Time
	if next > 0 {
		timer := time.NewTimer(next)
		defer timer.Stop()
		look = timer.C
	}
	select {
	case <-p.wake:
		return false, nil
	case <-look:
		return false, nil
	case <-end.C:
		return true, nil
	case <-p.bells.closing:
		return true, nil
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

// ring wakes those that hear the key.
func (b *bells) ring(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.listen[key] {
		select {
		case p.wake <- struct{}{}:
		default: // it is awake already, and has not read yet
		}
	}
}

// ringSoon is ring for what happens often.
func (b *bells) ringSoon(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.listen[key]) == 0 || b.soon[key] != nil || b.closed() {
		return
	}
	b.soon[key] = time.AfterFunc(lull, func() {
		b.mu.Lock()
		delete(b.soon, key)
		b.mu.Unlock()
		b.ring(key)
	})
}

// closed reports whether waiting has ended. The caller holds mu.
func (b *bells) closed() bool {
	select {
	case <-b.closing:
		return true
	default:
		return false
	}
}

// close ends waiting for all, and waits a moment for them to go.
func (b *bells) close() {
	b.mu.Lock()
	if !b.closed() {
		close(b.closing)
	}
	b.noteLeft()
	for key, timer := range b.soon {
		timer.Stop()
		delete(b.soon, key)
	}
	b.mu.Unlock()
	timer := time.NewTimer(leaveTime)
	defer timer.Stop()
	select {
	case <-b.left:
	case <-timer.C:
	}
}
