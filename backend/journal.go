package backend

import "context"

// Swap is a change of the credential in use: another one, renewed tokens, or none any
// more. It holds no secret.
type Swap struct {
	Integration, Provider string
	// AlsoUpdated are the others that share the credential.
	AlsoUpdated []string
	// HistoryEntry is what the history says of it.
	HistoryEntry
}

// TellSwap takes swaps once they are stored. It must not block.
type TellSwap func(Swap)

// save is the one Put of a change, which is told once it is stored: also where storage said
// that it failed and carried it out, and whether or not anybody waits for the answer.
func (h *Held) save(ctx context.Context, change *Change) error {
	records := h.door.records.table
	if err := records.save(ctx, h.RecordID, change.After); err != nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		stored, unread := records.loadExact(limited, h.RecordID)
		if unread == nil && stored.state() == change.After.state() && stored.state() != change.Before.state() {
			h.tellSwap(ctx, change)
		}
		return err
	}
	h.door.unsaved.Saved(h.RecordID)
	h.tellSwap(ctx, change)
	return nil
}

// credentialState tells one state of a record's credential from another.
type credentialState struct {
	version     int
	fingerprint string
	verified    int64
}

// state tells one state of the record's credential from another.
func (r *Record) state() credentialState {
	if r.Current == nil {
		return credentialState{version: r.Version}
	}
	return credentialState{r.Version, r.Current.Fingerprint, r.Current.VerifiedAt.UnixNano()}
}

// tellSwap tells of a change, if it is one of the credential.
func (h *Held) tellSwap(ctx context.Context, change *Change) {
	if entry := change.After.latest; entry != nil && entry != change.Before.latest {
		h.door.tellEntry(ctx, h.RecordID, change, *entry)
	}
}

func (c *Door) tellEntry(ctx context.Context, id string, change *Change, entry HistoryEntry) {
	if c.journal == nil {
		return
	}
	siblings := change.Siblings
	if siblings == nil && shared(id) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		siblings, _ = c.configurations.Siblings(limited, id, change.Integration) // without them it is told all the same
	}
	swap := Swap{Integration: change.Integration.Name, Provider: change.Integration.Provider, HistoryEntry: entry}
	for _, in := range siblings {
		swap.AlsoUpdated = append(swap.AlsoUpdated, in.Name)
	}
	c.journal(swap)
}

type askerKey struct{}

// AskedBy notes in a context who asked for what is done under it, where that is not a swap
// in itself but may lead to one.
func AskedBy(ctx context.Context, who Actor) context.Context {
	return context.WithValue(ctx, askerKey{}, who)
}

// askerOf is who asked, or the engine itself.
func askerOf(ctx context.Context, itself Actor) Actor {
	if who, ok := ctx.Value(askerKey{}).(Actor); ok {
		return who
	}
	return itself
}
