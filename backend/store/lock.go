package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	// BusyPause is in how many seconds a request that was turned away may be sent again.
	BusyPause = 5
	// MaxWaiting bounds the requests that wait to check a credential of one record: each
	// may take as long as the upstream does, and a thief of a token sends many.
	MaxWaiting = 32
	// brakePatience is how long what goes first waits for a check under way, before it
	// ends it.
	brakePatience = 5 * time.Second
)

var (
	// ErrCrowded turns away who is bounded where too many wait.
	ErrCrowded = errors.New("too many wait for the lock")
	// ErrOvertaken ends what was interrupted, and turns away who waited, for who goes first.
	ErrOvertaken = errors.New("what came later went first")
)

// Turn says how somebody waits for a lock, and holds it. The zero value waits for
// everybody who came before, as what the engine does by itself.
type Turn struct {
	// Bounded is turned away where too many wait that are bounded.
	Bounded bool
	// Interrupt ends what the holder does, for somebody who goes first; nil where it must
	// not be cut off.
	Interrupt context.CancelCauseFunc
	// First goes before all that are not, and interrupts who holds the lock for long: it
	// is what people do against a stolen token.
	First bool
	// Last turns away the bounded that came before: they must not take effect after it.
	Last bool
}

// Locks are named mutexes that give up with a context. A name that nobody holds
// or waits for takes no memory. The zero value is ready.
type Locks struct {
	mu     sync.Mutex
	byName map[string]*lock
}

// lock is one that is held. It is handed from one holder to the next.
type lock struct {
	interrupt context.CancelCauseFunc // of the holder
	brakes    []*waiter               // those that go first
	waiting   []*waiter               // all others, both in the order in which they came
}

type waiter struct {
	Turn
	done chan struct{} // closed once it holds the lock, or is turned away
	away error         // why it was turned away
}

// Acquire locks all names, in sorted order so that two callers cannot wait for
// each other, and returns the function that unlocks them. It fails with the
// context's error and then holds nothing.
func (l *Locks) Acquire(ctx context.Context, names ...string) (release func(), err error) {
	return l.Take(ctx, Turn{}, names...)
}

// Take is acquire for a caller that does not wait as all others.
func (l *Locks) Take(ctx context.Context, as Turn, names ...string) (release func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, name := range names {
		if err := l.lock(ctx, name, as); err != nil {
			l.unlock(names[:i])
			return nil, err
		}
	}
	return func() { l.unlock(names) }, nil
}

func (l *Locks) lock(ctx context.Context, name string, as Turn) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w, err := l.enter(name, as)
	if err != nil || w == nil {
		return err
	}
	var enough <-chan time.Time
	if as.First {
		timer := time.NewTimer(brakePatience)
		defer timer.Stop()
		enough = timer.C
	}
	for {
		select {
		case <-w.done:
			return w.away
		case <-enough:
			l.interrupt(name)
		case <-ctx.Done():
			l.giveUp(name, w)
			return ctx.Err()
		}
	}
}

// enter takes a lock that is free, or returns the place in the queue.
func (l *Locks) enter(name string, as Turn) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.byName[name]
	if k == nil {
		if l.byName == nil {
			l.byName = map[string]*lock{}
		}
		l.byName[name] = &lock{interrupt: as.Interrupt}
		return nil, nil //nolint:nilnil // it need not wait
	}
	if as.Bounded && k.bounded() >= MaxWaiting {
		return nil, ErrCrowded
	}
	if as.Last {
		k.turnAway()
	}
	w := &waiter{Turn: as, done: make(chan struct{})}
	if as.First {
		k.brakes = append(k.brakes, w)
	} else {
		k.waiting = append(k.waiting, w)
	}
	return w, nil
}

// bounded counts those that wait and are.
func (k *lock) bounded() (n int) {
	for _, w := range k.waiting {
		if w.Bounded {
			n++
		}
	}
	return n
}

func (k *lock) turnAway() {
	k.waiting = slices.DeleteFunc(k.waiting, func(w *waiter) bool {
		if w.Bounded {
			w.away = ErrOvertaken
			close(w.done)
		}
		return w.Bounded
	})
}

// interrupt ends what the holder does, if it can be cut off.
func (l *Locks) interrupt(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.byName[name]; k != nil && k.interrupt != nil {
		k.interrupt(ErrOvertaken)
	}
}

// giveUp leaves the queue. Who was handed the lock in this moment hands it on.
func (l *Locks) giveUp(name string, w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-w.done:
		if w.away == nil {
			l.handOn(name)
		}
		return
	default:
	}
	k := l.byName[name]
	same := func(other *waiter) bool { return other == w }
	k.brakes, k.waiting = slices.DeleteFunc(k.brakes, same), slices.DeleteFunc(k.waiting, same)
}

func (l *Locks) unlock(names []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		l.handOn(name)
	}
}

// handOn gives the lock to who is next. The caller holds mu.
func (l *Locks) handOn(name string) {
	k := l.byName[name]
	queue := &k.brakes
	if len(*queue) == 0 {
		queue = &k.waiting
	}
	if len(*queue) == 0 {
		delete(l.byName, name)
		return
	}
	next := (*queue)[0]
	*queue = slices.Delete(*queue, 0, 1)
	k.interrupt = next.Interrupt
	close(next.done)
}
