package credential

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// Records are the credential records in storage. Others than the door can do nothing with
// them but what a move of an integration needs.
type Records struct {
	table *store.Table[backend.Record]
}

// NewRecords returns the records in a storage.
func NewRecords(storage logical.Storage) *Records {
	return &Records{store.NewTable(storage, backend.CredentialsPrefix, backend.EncodeRecord, backend.DecodeRecord, &backend.Record{})}
}

// LoadExact returns a record for a caller that holds its lock.
func (r *Records) LoadExact(ctx context.Context, id string) (*backend.Record, error) {
	return r.table.LoadExact(ctx, id)
}

// Carry takes counter and history of a record along to a key that has none, where a version
// never goes back. The caller holds the locks of both, and there is no credential.
func (r *Records) Carry(ctx context.Context, from, to string) error {
	there, err := r.LoadExact(ctx, to)
	if err != nil || there.Version > 0 {
		return err
	}
	record, err := r.LoadExact(ctx, from)
	if err != nil || record.Version == 0 {
		return err
	}
	return r.table.Save(ctx, to, record)
}

// Remove deletes a record. The caller holds its lock.
func (r *Records) Remove(ctx context.Context, id string) error { return r.table.Remove(ctx, id) }

// Version is a number that grows with every change.
func (r *Records) Version() uint64 { return r.table.Version() }

// OnChange has fn told, by its key in storage, of each record that may read otherwise. It is
// for the code that has just made the records.
func (r *Records) OnChange(fn func(key string)) { r.table.OnChange(fn) }

// Invalidate forgets what is cached of a record that another node changed.
func (r *Records) Invalidate(id string) { r.table.Invalidate(id) }
