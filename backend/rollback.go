package backend

import (
	"context"
	"fmt"
)

// Rollback goes back to the credential before the one in use, if that still works: it
// is checked like any other, and swapped in with one Put as a new version. The one that
// it replaces can be gone back to in turn.
func (c *Credentials) Rollback(ctx context.Context, name string, who Actor) (*Change, error) {
	return c.checked(ctx, name, func(ctx context.Context, in *Integration, change *Change) (*Record, error) {
		previous := change.Before.Previous
		if previous == nil || !c.now().Before(change.Before.PreviousUntil) || !c.integrations.houses(in, previous) {
			return nil, nothingToRollBack(in, change.Before)
		}
		mount, err := c.mount.Read(ctx)
		if err != nil {
			return nil, err
		}
		next, err := c.check(ctx, in, mount, Entry{Credential: previous.Credential, ExpiresAt: previous.ExpiresAt}, change)
		if err != nil {
			return nil, err
		}
		next.Rotation, next.unknown = previous.Rotation, previous.unknown
		after := change.Before.swapped(next, CauseRollback, who, mount.HistoryLimit)
		after.keep(change.Before, c.now().Add(mount.RollbackWindow))
		return after, nil
	})
}

func nothingToRollBack(in *Integration, record *Record) *Error {
	return &Error{
		Code: CodeNothingToRollBack, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("no credential before the present one of integration %q is kept: there was none, its rollback_window is over, it was forgotten, or the upstream ended it when it was replaced; %s", in.Name, kept(record)),
	}
}

// Erase forgets the credential before the one in use, once its time is over.
func (c *Credentials) Erase(ctx context.Context, name string) error {
	_, err := c.update(ctx, turn{}, name, func(_ context.Context, _ *Integration, change *Change) (*Record, error) {
		if change.Before.Previous == nil || c.now().Before(change.Before.PreviousUntil) {
			return change.Before, nil
		}
		return change.Before.erased(), nil
	})
	return err
}
