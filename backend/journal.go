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

// SwapsTo has swaps told. It is for whoever has just made the backend.
func (b *Backend) SwapsTo(tell TellSwap) { b.Credentials.journal = tell }

// put is the one Put of a change, which is told once it is stored: also where storage said
// that it failed and carried it out, and whether or not anybody waits for the answer.
func (c *Credentials) put(ctx context.Context, change *Change) error {
	if err := c.records.save(ctx, change.id, change.After); err != nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		stored, unread := c.records.loadExact(limited, change.id)
		if unread == nil && stored.version() == change.After.version() && stored.version() != change.Before.version() {
			c.tellSwap(ctx, change)
		}
		return err
	}
	c.refreshes.saved(change.id)
	c.tellSwap(ctx, change)
	return nil
}

// credentialVersion tells one state of a record's credential from another.
type credentialVersion struct {
	version     int
	fingerprint string
	verified    int64
}

func (r *Record) version() credentialVersion {
	if r.Current == nil {
		return credentialVersion{version: r.Version}
	}
	return credentialVersion{r.Version, r.Current.Fingerprint, r.Current.VerifiedAt.UnixNano()}
}

// tellSwap tells of a change, if it is one of the credential.
func (c *Credentials) tellSwap(ctx context.Context, change *Change) {
	if entry := change.After.latest; entry != nil && entry != change.Before.latest {
		c.tellEntry(ctx, change, *entry)
	}
}

func (c *Credentials) tellEntry(ctx context.Context, change *Change, entry HistoryEntry) {
	if c.journal == nil {
		return
	}
	siblings := change.Siblings
	if siblings == nil && shared(change.id) {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
		siblings, _ = c.integrations.siblings(limited, change.id, change.Integration) // without them it is told all the same
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
