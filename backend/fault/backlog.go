package fault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"vault-plugin-secrets-sei/backend/store"
)

// maxRefused is how many times storage may refuse before it is left alone until the next
// time.
const maxRefused = 10

// Backlog is the set of storage keys whose values could not be written. The room that adds a
// key keeps its value in memory. There is one fault for all keys, and it is over when none
// is left.
type Backlog struct {
	faults *Faults

	mu   sync.Mutex
	keys map[string]bool
}

// NewBacklog returns an empty one.
func NewBacklog(faults *Faults) *Backlog { return &Backlog{faults: faults} }

// Add puts a key in, and tells why.
func (b *Backlog) Add(key string, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys == nil {
		b.keys = map[string]bool{}
	}
	b.keys[key] = true
	b.tell(why)
}

// failed tells why something that waits could not be stored when it was tried again.
func (b *Backlog) failed(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.keys) > 0 {
		b.tell(why)
	}
}

// tell notes the fault. To have waited for a lock in vain is none. The caller holds mu, so
// that the fault cannot begin after the last key is gone.
func (b *Backlog) tell(why error) {
	var storage store.Failure
	if errors.Is(why, context.DeadlineExceeded) && !errors.As(why, &storage) {
		return
	}
	b.faults.Note(DeedStore, "", why)
}

// Done takes a key out: storage has what belongs there, or there is nothing to store.
func (b *Backlog) Done(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.keys, key)
	if len(b.keys) == 0 {
		b.faults.Note(DeedStore, "", nil)
	}
}

// Has reports whether a key is in it.
func (b *Backlog) Has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys[key]
}

// Of returns the keys with a prefix, without it, sorted.
func (b *Backlog) Of(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for key := range b.keys {
		if rest, is := strings.CutPrefix(key, prefix); is {
			found = append(found, rest)
		}
	}
	slices.Sort(found)
	return found
}

// Retry tries again to store what waits under a prefix. While storage takes nothing it is
// not asked for each.
func (b *Backlog) Retry(ctx context.Context, prefix string, store func(context.Context, string) error) {
	failed := 0
	for _, rest := range b.Of(prefix) {
		if ctx.Err() != nil || failed == maxRefused {
			return
		}
		if err := store(ctx, rest); err != nil {
			failed++
			b.failed(err)
		}
	}
}
