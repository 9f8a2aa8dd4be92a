package backend

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// readTimeout is how long a read of storage may take.
const readTimeout = 30 * time.Second

// patient is a storage whose reads end. What goes on after its request has gone, and
// the sweep, have no deadline of their own: a read that is never answered would hold a
// record's lock for good. Writes end by uncut.
type patient struct{ logical.Storage }

// Get is the storage's.
func (p patient) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return p.Storage.Get(ctx, key)
}

// List is the storage's.
func (p patient) List(ctx context.Context, prefix string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return p.Storage.List(ctx, prefix)
}
