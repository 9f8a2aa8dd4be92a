package credential

import (
	"context"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// warnAgain is what to say of a credential that is in use already.
const warnAgain = "this is the credential in use already: it works, no new version was made, and what there is to roll back to is kept"

// VerifiedAgain is the record where next is the credential in use, which a check has just
// verified. Once it is stored, what was found against the credential is void.
func (h *Held) VerifiedAgain(change *backend.Change, next *backend.Stored) *backend.Record {
	change.Again = true
	change.Warnings = append(change.Warnings, warnAgain)
	return change.Before.Again(next)
}

// acquitted makes void what was found of the credential that a change verified again. It is
// for a caller that has stored the record: of one that could not be stored all stays as it was. A
// request that ends meanwhile does not end it, for it would have to be sent again.
func (h *Held) acquitted(ctx context.Context, change *backend.Change) error {
	if !change.After.Current.SameOrder(change.Before.Current) {
		h.door.quotas.Unstick(h.RecordID)
	}
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	for _, in := range append([]*backend.Integration{change.Integration}, change.Siblings...) {
		if err := h.door.acquit(ctx, in, change.After); err != nil {
			return err
		}
	}
	return nil
}

// acquit notes that a check has just verified the credential in use.
func (c *Door) acquit(ctx context.Context, in *backend.Integration, record *backend.Record) error {
	held, err := c.findings.Hold(ctx, in.Name)
	if err != nil {
		return err
	}
	defer held.Release()
	stored, err := held.Load(ctx)
	if err != nil {
		return err
	}
	before := stored.Of(record.Version)
	after := before.After(&backend.Result{Record: record, Asked: c.now()}, c.now())
	if after == before {
		return nil
	}
	return held.Save(ctx, after)
}
