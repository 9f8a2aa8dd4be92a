package rotation

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// Pendings are the notes of rotations under way, by the key of the record. What storage
// does not take is held until it does.
type Pendings struct {
	table *store.Table[backend.Pending]

	mu   sync.Mutex
	held map[string]*backend.Pending
}

// NewPendings returns the notes in a storage.
func NewPendings(storage logical.Storage) *Pendings {
	return &Pendings{table: store.NewTable(storage, backend.PendingPrefix, backend.EncodePending, backend.DecodePending, nil)}
}

// list returns the keys of the records that have a note.
func (n *Pendings) list(ctx context.Context) ([]string, error) { return n.table.List(ctx) }

// read returns what is stored of a record, nil if there is nothing.
func (n *Pendings) read(ctx context.Context, id string) (*backend.Pending, error) {
	return n.table.LoadExact(ctx, id)
}

// save stores a note.
func (n *Pendings) save(ctx context.Context, id string, p *backend.Pending) error {
	return n.table.Save(ctx, id, p)
}

// saveSurely stores a note that must not be lost: it is held before, and after storage has
// refused it.
func (n *Pendings) saveSurely(ctx context.Context, id string, p *backend.Pending) error {
	n.hold(id, p)
	if err := n.table.Save(ctx, id, p); err != nil {
		return err
	}
	n.Drop(id)
	return nil
}

// Remove deletes the note of a record.
func (n *Pendings) Remove(ctx context.Context, id string) error { return n.table.Remove(ctx, id) }

// Invalidate forgets what is cached of a record that another node changed.
func (n *Pendings) Invalidate(id string) { n.table.Invalidate(id) }

// hold keeps a note in memory, in the place of one that is held.
func (n *Pendings) hold(id string, p *backend.Pending) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil {
		n.held = map[string]*backend.Pending{}
	}
	n.held[id] = p
}

// Drop forgets what is held of a record.
func (n *Pendings) Drop(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.held, id)
}

// unsaved returns what is held of a record, nil if nothing is.
func (n *Pendings) unsaved(id string) *backend.Pending {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held[id]
}
