package backend

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

// pendings are the notes of rotations under way, by the key of the record. What storage
// does not take is held until it does.
type pendings struct {
	table *table[Pending]

	mu   sync.Mutex
	held map[string]*Pending
}

// newPendings returns the notes in a storage.
func newPendings(storage logical.Storage) *pendings {
	return &pendings{table: newTable(storage, pendingPrefix, encodePending, decodePending, nil)}
}

// list returns the keys of the records that have a note.
func (n *pendings) list(ctx context.Context) ([]string, error) { return n.table.list(ctx) }

// read returns what is stored of a record, nil if there is nothing.
func (n *pendings) read(ctx context.Context, id string) (*Pending, error) {
	return n.table.loadExact(ctx, id)
}

// save stores a note.
func (n *pendings) save(ctx context.Context, id string, p *Pending) error {
	return n.table.save(ctx, id, p)
}

// saveSurely stores a note that must not be lost: it is held before, and after storage has
// refused it.
func (n *pendings) saveSurely(ctx context.Context, id string, p *Pending) error {
	n.hold(id, p)
	if err := n.table.save(ctx, id, p); err != nil {
		return err
	}
	n.drop(id)
	return nil
}

// remove deletes the note of a record.
func (n *pendings) remove(ctx context.Context, id string) error { return n.table.remove(ctx, id) }

// invalidate forgets what is cached of a record that another node changed.
func (n *pendings) invalidate(id string) { n.table.invalidate(id) }

// hold keeps a note in memory, in the place of one that is held.
func (n *pendings) hold(id string, p *Pending) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil {
		n.held = map[string]*Pending{}
	}
	n.held[id] = p
}

// drop forgets what is held of a record.
func (n *pendings) drop(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.held, id)
}

// unsaved returns what is held of a record, nil if nothing is.
func (n *pendings) unsaved(id string) *Pending {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held[id]
}
