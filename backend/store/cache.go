package store

import (
	"slices"
	"strings"
	"sync"
)

// cache holds immutable values by key. A value that was read from storage is
// only published if nothing was written or invalidated since the read began,
// so a slow reader cannot bring an old value back.
type cache[T any] struct {
	mu      sync.RWMutex
	entries map[string]entry[T]
	changes uint64
	// keys is the sorted list of stored keys. It is valid only while listed == changes+1,
	// that is, until the next write or invalidation.
	keys   []string
	listed uint64
}

// entry is a cached value. A stale one may differ from what is stored, because a
// write of it ended in an error: readers may use it if storage cannot be read,
// writers may not.
type entry[T any] struct {
	value *T
	stale bool
	// pending entries stay stale until a write succeeds: the one that failed may
	// still be carried out.
	pending bool
}

// get returns the entry, and the number to give publish.
func (c *cache[T]) get(key string) (entry[T], uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.entries[key], c.changes
}

// publish keeps a value read from storage if nothing changed since get.
func (c *cache[T]) publish(key string, value *T, since uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes == since && !c.entries[key].pending {
		c.set(key, value)
	}
}

// version is a number that grows with every change.
func (c *cache[T]) version() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.changes
}

// list returns the keys that are stored if they are known, and the number to give
// publishList.
func (c *cache[T]) list() (keys []string, known bool, since uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys, c.listed == c.changes+1, c.changes
}

// lacks reports whether it is known that nothing is stored under the key.
func (c *cache[T]) lacks(key string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.listed != c.changes+1 || strings.Contains(key, "/") {
		return false // of a folder, a list has the name alone
	}
	_, found := slices.BinarySearch(c.keys, key)
	return !found
}

// publishList keeps the keys if nothing changed since list. While an entry may differ
// from what is stored, so may they.
func (c *cache[T]) publishList(keys []string, since uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != since {
		return
	}
	for _, e := range c.entries {
		if e.stale {
			return
		}
	}
	c.keys, c.listed = keys, since+1
}

// replace keeps a value that was just written; nil means it was deleted.
func (c *cache[T]) replace(key string, value *T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	c.set(key, value)
}

// suspect marks the key as possibly different from storage.
func (c *cache[T]) suspect(key string, pending bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	if c.entries == nil {
		c.entries = map[string]entry[T]{}
	}
	c.entries[key] = entry[T]{value: c.entries[key].value, stale: true, pending: pending}
}

func (c *cache[T]) set(key string, value *T) {
	if value == nil {
		delete(c.entries, key)
		return
	}
	if c.entries == nil {
		c.entries = map[string]entry[T]{}
	}
	c.entries[key] = entry[T]{value: value}
}
