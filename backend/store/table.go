package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// Limits for storage calls that no request may cut short.
const (
	WriteTimeout  = 30 * time.Second
	SettleTimeout = 5 * time.Second
)

// ErrUndecodable marks an entry that is there and cannot be read.
var ErrUndecodable = errors.New("the entry cannot be decoded")

// Table is the records of one kind: a storage view with a cache over it. Values
// are immutable once they are in it. It is safe for concurrent use; who changes
// a record holds its lock.
type Table[T any] struct {
	view   logical.Storage
	encode func(*T) ([]byte, error)
	decode func(key string, data []byte) (*T, error)
	// absent is what a key without an entry reads as; nil where that is an answer
	// of its own. It is cached like a stored value.
	absent *T
	cache  cache[T]
	prefix string
	tell   func(key string)
}

// NewTable returns the table of the entries below a prefix. absent is what a key without an
// entry reads as; nil where that is an answer of its own.
func NewTable[T any](storage logical.Storage, prefix string, encode func(*T) ([]byte, error), decode func(string, []byte) (*T, error), absent *T) *Table[T] {
	view := storage
	if prefix != "" {
		view = logical.NewStorageView(storage, prefix)
	}
	return &Table[T]{view: view, encode: encode, decode: decode, absent: absent, prefix: prefix}
}

// OnChange has fn told, by its key in storage, of each entry that may read otherwise from
// now on: after a write, also one that failed, and when another node has changed it. It is
// for the code that has just made the table. fn must not block; it may be called under the
// record's lock.
func (t *Table[T]) OnChange(fn func(key string)) { t.tell = fn }

func (t *Table[T]) changed(key string) {
	if t.tell != nil {
		t.tell(t.prefix + key)
	}
}

// Load returns the record, or absent if there is none. It is for readers: if a
// write failed and storage cannot be read now, it returns the value before that
// write.
func (t *Table[T]) Load(ctx context.Context, key string) (*T, error) {
	cached, _ := t.cache.get(key)
	if cached.value != nil && !cached.stale {
		return cached.value, nil
	}
	value, err := t.LoadExact(ctx, key)
	if err != nil && cached.value != nil {
		return cached.value, nil
	}
	return value, err
}

// LoadExact is load for writers: what it returns is what is stored.
func (t *Table[T]) LoadExact(ctx context.Context, key string) (*T, error) {
	cached, since := t.cache.get(key)
	if cached.value != nil && !cached.stale {
		return cached.value, nil
	}
	value, err := t.fetch(ctx, key, since)
	if err == nil && cached.stale && !cached.pending {
		t.changed(key) // readers may have had the value before a write that was carried out
	}
	return value, err
}

func (t *Table[T]) fetch(ctx context.Context, key string, since uint64) (*T, error) {
	if t.cache.lacks(key) {
		t.cache.publish(key, t.absent, since)
		return t.absent, nil
	}
	stored, err := t.view.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("storage: reading %q: %w", key, err)
	}
	if stored == nil {
		t.cache.publish(key, t.absent, since)
		return t.absent, nil
	}
	value, err := t.decode(key, stored.Value)
	if err != nil {
		return nil, fmt.Errorf("storage: decoding %q: %w: %w", key, ErrUndecodable, err)
	}
	t.cache.publish(key, value, since)
	return value, nil
}

// Save writes the record with one Put and publishes it afterwards. After an
// error the record is the old one or the new one, whatever storage says.
func (t *Table[T]) Save(ctx context.Context, key string, value *T) error {
	data, err := t.encode(value)
	if err != nil {
		return fmt.Errorf("storage: encoding %q: %w", key, err)
	}
	return t.write(ctx, "writing", key, value, func(ctx context.Context) error {
		return t.view.Put(ctx, &logical.StorageEntry{Key: key, Value: data})
	})
}

// Remove deletes the record; one that is not there is not an error.
func (t *Table[T]) Remove(ctx context.Context, key string) error {
	return t.write(ctx, "deleting", key, nil, func(ctx context.Context) error { return t.view.Delete(ctx, key) })
}

// Uncut returns a context for a write to storage. Once begun, a write does not end
// with the request: a call that is given up can still be carried out, after the
// caller let go of its lock and somebody else built on the old value.
func Uncut(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), WriteTimeout)
}

// write carries out a change and publishes its result.
func (t *Table[T]) write(ctx context.Context, verb, key string, value *T, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := Uncut(ctx)
	defer cancel()
	if err := do(ctx); err != nil {
		// Without an answer in all this time it may be carried out at any moment.
		t.settle(ctx, key, ctx.Err() != nil)
		t.changed(key)
		return fmt.Errorf("storage: %s %q: %w", verb, key, err)
	}
	t.cache.replace(key, value)
	t.changed(key)
	return nil
}

// settle finds out what a failed write left: it may have been carried out
// although it was answered with an error. If it is pending, storage is asked
// each time until a write succeeds.
func (t *Table[T]) settle(ctx context.Context, key string, pending bool) {
	t.cache.suspect(key, pending)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	_, _ = t.LoadExact(ctx, key) // still suspect if this fails too
}

// List returns the keys, sorted. Callers share the slice. Once read, and while nothing
// is written, it touches no storage.
func (t *Table[T]) List(ctx context.Context) ([]string, error) {
	known, found, since := t.cache.list()
	if found {
		return known, nil
	}
	keys, err := t.view.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("storage: listing: %w", err)
	}
	slices.Sort(keys)
	t.cache.publishList(keys, since)
	return keys, nil
}

// Version is a number that grows with every change that this node knows of.
func (t *Table[T]) Version() uint64 { return t.cache.version() }

// Cached reports whether a read of the key would touch no storage.
func (t *Table[T]) Cached(key string) bool {
	entry, _ := t.cache.get(key)
	return entry.value != nil
}

// Hold has readers and writers get a value that storage does not take now.
func (t *Table[T]) Hold(key string, value *T) {
	t.cache.replace(key, value)
	t.changed(key)
}

// Invalidate forgets what is cached of a key that another node changed.
func (t *Table[T]) Invalidate(key string) {
	t.cache.replace(key, nil)
	t.changed(key)
}
