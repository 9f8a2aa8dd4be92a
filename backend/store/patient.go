package store

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// readTimeout is how long a read of storage may take.
const readTimeout = 30 * time.Second

// Patient is a storage whose reads end. What goes on after its request has gone, and
// the sweep, have no deadline of their own: a read that is never answered would hold a
// record's lock for good. Writes end by uncut.
type Patient struct{ logical.Storage }

// Get is the storage's.
func (p Patient) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	entry, err := p.Storage.Get(limited, key)
	return entry, ofStorage(unanswered(ctx, limited, err))
}

// List is the storage's.
func (p Patient) List(ctx context.Context, prefix string) ([]string, error) {
	limited, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	keys, err := p.Storage.List(limited, prefix)
	return keys, ofStorage(unanswered(ctx, limited, err))
}

// Put is the storage's.
func (p Patient) Put(ctx context.Context, entry *logical.StorageEntry) error {
	return ofStorage(p.Storage.Put(ctx, entry))
}

// Delete is the storage's.
func (p Patient) Delete(ctx context.Context, key string) error {
	return ofStorage(p.Storage.Delete(ctx, key))
}

// errUnanswered says that storage did not answer in time.
var errUnanswered = errors.New("storage did not answer within 30 seconds")

// unanswered tells the limit of a read from the end of its request. Where the plugin runs
// as a process of its own, that end comes back as an error of gRPC, which is none of context.
func unanswered(ctx, limited context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return errUnanswered
	}
	return err
}

// Failure is an error of Vault's storage, whose text is Vault's own.
type Failure struct{ error }

// Unwrap returns it.
func (r Failure) Unwrap() error { return r.error }

func ofStorage(err error) error {
	if err == nil {
		return nil
	}
	return Failure{err}
}
