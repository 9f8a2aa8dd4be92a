package backend

import (
	"context"
	"slices"
	"sync"
)

// locks are named mutexes that give up with a context. A name that nobody holds
// or waits for takes no memory. The zero value is ready.
type locks struct {
	mu     sync.Mutex
	byName map[string]*lock
}

type lock struct {
	held  chan struct{} // holds one element while locked
	users int           // holders and waiters, guarded by locks.mu
}

// acquire locks all names, in sorted order so that two callers cannot wait for
// each other, and returns the function that unlocks them. It fails with the
// context's error and then holds nothing.
func (l *locks) acquire(ctx context.Context, names ...string) (release func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for i, name := range names {
		if err := l.lock(ctx, name); err != nil {
			l.unlock(names[:i])
			return nil, err
		}
	}
	return func() { l.unlock(names) }, nil
}

func (l *locks) lock(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := l.use(name)
	select {
	case k.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.leave(name, k)
		return ctx.Err()
	}
}

func (l *locks) unlock(names []string) {
	for _, name := range names {
		l.mu.Lock()
		k := l.byName[name]
		l.mu.Unlock()
		<-k.held
		l.leave(name, k)
	}
}

func (l *locks) use(name string) *lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName == nil {
		l.byName = map[string]*lock{}
	}
	k := l.byName[name]
	if k == nil {
		k = &lock{held: make(chan struct{}, 1)}
		l.byName[name] = k
	}
	k.users++
	return k
}

func (l *locks) leave(name string, k *lock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.users--
	if k.users == 0 {
		delete(l.byName, name)
	}
}
