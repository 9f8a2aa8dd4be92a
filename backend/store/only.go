package store

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"
)

// errOtherKey refuses a key that is not the one of an Only.
var errOtherKey = errors.New("this storage has one key")

// Only is one entry of a storage. It reads and writes no other key. It is safe for concurrent
// use if the storage is.
type Only struct {
	storage logical.Storage
	key     string
}

// NewOnly returns the entry under a key.
func NewOnly(storage logical.Storage, key string) Only { return Only{storage, key} }

// Get returns the entry, nil if there is none.
func (o Only) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if key != o.key {
		return nil, errOtherKey
	}
	return o.storage.Get(ctx, key)
}

// Put stores the entry.
func (o Only) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if entry.Key != o.key {
		return errOtherKey
	}
	return o.storage.Put(ctx, entry)
}

// Delete removes the entry.
func (o Only) Delete(ctx context.Context, key string) error {
	if key != o.key {
		return errOtherKey
	}
	return o.storage.Delete(ctx, key)
}

// List is refused: who knows the key need not look for it.
func (Only) List(context.Context, string) ([]string, error) { return nil, errOtherKey }
