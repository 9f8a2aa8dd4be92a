package credential

import (
	"context"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// save is the one Put of a change, which is told once it is stored: also where storage said
// that it failed and carried it out, and whether or not anybody waits for the answer.
func (h *Held) save(ctx context.Context, change *backend.Change) error {
	records := h.door.records.table
	if err := records.Save(ctx, h.RecordID, change.After); err != nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.SettleTimeout)
		defer cancel()
		stored, unread := records.LoadExact(limited, h.RecordID)
		if unread == nil && stored.State() == change.After.State() && stored.State() != change.Before.State() {
			h.tellSwap(ctx, change)
		}
		return err
	}
	h.door.unsaved.Saved(h.RecordID)
	h.tellSwap(ctx, change)
	return nil
}

// tellSwap tells of a change, if it is one of the credential.
func (h *Held) tellSwap(ctx context.Context, change *backend.Change) {
	if entry := change.After.EntrySince(change.Before); entry != nil {
		h.door.tellEntry(ctx, h.RecordID, change, *entry)
	}
}

func (c *Door) tellEntry(ctx context.Context, id string, change *backend.Change, entry backend.HistoryEntry) {
	if c.journal == nil {
		return
	}
	siblings := change.Siblings
	if siblings == nil && backend.SharedRecord(id) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.SettleTimeout)
		defer cancel()
		siblings, _ = c.configurations.Siblings(limited, id, change.Integration) // without them it is told all the same
	}
	swap := backend.Swap{Integration: change.Integration.Name, Provider: change.Integration.Provider, HistoryEntry: entry}
	for _, in := range siblings {
		swap.AlsoUpdated = append(swap.AlsoUpdated, in.Name)
	}
	c.journal(swap)
}
