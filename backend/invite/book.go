package invite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// Book is the invitations of a mount in storage. It is safe for concurrent use.
type Book struct {
	table *store.Table[backend.Invitation]
	locks *store.Locks
	now   func() time.Time
}

// NewBook returns the invitations in a storage.
func NewBook(storage logical.Storage, locks *store.Locks, now func() time.Time) *Book {
	return &Book{
		table: store.NewTable(storage, backend.InvitesPrefix, backend.EncodeInvitation, backend.DecodeInvitation, nil),
		locks: locks, now: now,
	}
}

// Invalidate forgets what is cached of an invitation that another node changed.
func (b *Book) Invalidate(key string) { b.table.Invalidate(key) }

// keyed is an invitation with its key.
type keyed struct {
	key string
	*backend.Invitation
}

// all returns what is stored, in the order in which it was made. An entry that cannot be
// decoded is removed: nobody can use it, and it would stand in the way for ever.
func (b *Book) all(ctx context.Context) ([]keyed, error) {
	keys, err := b.table.List(ctx)
	if err != nil {
		return nil, err
	}
	var found []keyed
	for _, key := range keys {
		invitation, err := b.table.LoadExact(ctx, key)
		switch {
		case errors.Is(err, store.ErrUndecodable):
			if err := b.table.Remove(ctx, key); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case invitation != nil: // else it ended meanwhile
			found = append(found, keyed{key, invitation})
		}
	}
	slices.SortFunc(found, func(a, b keyed) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Accessor, b.Accessor))
	})
	return found, nil
}

// Newest is when somebody was last invited, of those invitations that are stored, by
// integration. Links in messages do not count.
func (b *Book) Newest(ctx context.Context) (map[string]time.Time, error) {
	all, err := b.all(ctx)
	if err != nil {
		return nil, err
	}
	newest := map[string]time.Time{}
	for _, one := range all {
		if one.Sender == "" {
			newest[one.Integration] = one.CreatedAt
		}
	}
	return newest, nil
}

// hold locks one invitation: while it is held, nobody else uses it, counts or ends it.
func (b *Book) hold(ctx context.Context, key string) (release func(), err error) {
	return b.locks.Acquire(ctx, backend.InvitesPrefix+key) // no integration has this name
}

// end removes one.
func (b *Book) end(ctx context.Context, key string) error {
	release, err := b.hold(ctx, key)
	if err != nil {
		return err
	}
	defer release()
	return b.table.Remove(ctx, key)
}

// endWhere removes those of which that is so.
func (b *Book) endWhere(ctx context.Context, which func(keyed) bool) error {
	all, err := b.all(ctx)
	if err != nil {
		return err
	}
	for _, one := range all {
		if which(one) {
			if err := b.end(ctx, one.key); err != nil {
				return err
			}
		}
	}
	return nil
}

// End ends one of an integration. One that is not open is not an error.
func (b *Book) End(ctx context.Context, integration, accessor string) error {
	return b.endWhere(ctx, func(k keyed) bool { return k.Integration == integration && k.Accessor == accessor })
}

// EndSent ends the links that a target of notifications was sent, of one integration or with
// "" of all.
func (b *Book) EndSent(ctx context.Context, target, integration string) error {
	return b.endWhere(ctx, func(k keyed) bool {
		return target != "" && k.Sender == target && (integration == "" || k.Integration == integration)
	})
}

// refused counts a credential that the upstream refused, and reports whether that has ended
// the invitation.
func (b *Book) refused(ctx context.Context, key string) (last bool, err error) {
	release, err := b.hold(ctx, key)
	if err != nil {
		return false, err
	}
	defer release()
	invitation, err := b.table.LoadExact(ctx, key)
	if err != nil || invitation == nil {
		return false, err
	}
	if after := invitation.Refused(); after != nil {
		return false, b.table.Save(ctx, key, after)
	}
	return true, b.table.Remove(ctx, key)
}
