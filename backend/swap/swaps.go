package swap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/rotation"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Swaps is every way in which a credential is replaced or forgotten. It is safe for
// concurrent use.
type Swaps struct {
	door      *credential.Door
	consents  *oauth.Consents
	rotations *rotation.Rotations
	pendings  *rotation.Pendings
	watch     *health.Watch
	invites   *invite.Invitations
	faults    *fault.Faults
	now       func() time.Time
	notify    backend.Notify
}

// New returns the swaps of a mount.
func New(door *credential.Door, consents *oauth.Consents, rotations *rotation.Rotations, pendings *rotation.Pendings, watch *health.Watch, invites *invite.Invitations, faults *fault.Faults, now func() time.Time, notify backend.Notify) *Swaps {
	return &Swaps{door: door, consents: consents, rotations: rotations, pendings: pendings, watch: watch, invites: invites, faults: faults, now: now, notify: notify}
}

// Reauth checks the entered credential at the upstream and, if it is verified,
// swaps it in with one Put. A refusal is an *Error; after any error the record
// is what it was, or, if storage failed in the middle of the Put, the new one whole.
// The credential in use keeps its version, and what was found against it is void; that is
// stored after the record, so an error may leave it until the same is sent again or a check
// finds it void. A code of OAuth is exchanged first; see Consents.Authorize.
func (s *Swaps) Reauth(ctx context.Context, name string, entry backend.Entry, who backend.Actor) (*backend.Change, error) {
	if code := entry.Credential.Value(providers.OAuthCode); !code.Empty() {
		return s.consents.Reauth(ctx, name, code, entry.Credential.Value(providers.OAuthState), who)
	}
	return s.door.Checked(ctx, name, func(held *credential.Held) credential.Edit { return s.entered(held, entry, who) })
}

// entered is the edit that checks an entered credential and puts it in the place of the one
// before.
func (s *Swaps) entered(held *credential.Held, entry backend.Entry, who backend.Actor) credential.Edit {
	return func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		next, err := held.Check(ctx, entry, change)
		if err != nil {
			return nil, err
		}
		if change.Before.HasAlready(next) {
			return held.VerifiedAgain(change, next), nil
		}
		after := change.Before.Swapped(next, backend.CauseReauth, who, held.Mount.HistoryLimit)
		after = after.WithPrevious(change.Before, s.now().Add(held.Mount.RollbackWindow))
		return after, nil
	}
}

// Return finishes an authorization for the person who comes back with a browser; see
// Consents.Return.
func (s *Swaps) Return(ctx context.Context, back backend.Returned, who backend.Actor) (*backend.Change, error) {
	return s.consents.Return(ctx, back, who)
}

// Rotate lets the upstream make the successor of the credential in use, and tells of it.
// Of an OAuth credential the tokens are renewed.
func (s *Swaps) Rotate(ctx context.Context, name string, who backend.Actor) (*backend.Change, error) {
	return s.RotateIf(ctx, name, who, nil)
}

// RotateIf is Rotate if due, asked once nobody else can change the record nor the integration,
// says that it is; else the error is ErrNotDue. It is for credentials that are swapped.
func (s *Swaps) RotateIf(ctx context.Context, name string, who backend.Actor, due func(*backend.Subject, *backend.Record) bool) (*backend.Change, error) {
	change, err := s.rotate(ctx, name, who, due)
	var refused *backend.Error
	switch {
	case err == nil:
		s.announce(ctx, backend.EventRotate, s.watch.Swapped(ctx, change))
	case errors.As(err, &refused) && refused.Code != backend.CodeUnknownIntegration:
		s.notify(ctx, backend.Event{Type: backend.EventRotate, Integration: name, Provider: refused.Provider, Code: refused.Code})
		if _, err := s.watch.Observe(ctx, name); err != nil {
			return nil, refused
		}
	}
	return change, err
}

func (s *Swaps) rotate(ctx context.Context, name string, who backend.Actor, due func(*backend.Subject, *backend.Record) bool) (*backend.Change, error) {
	held, err := s.door.Hold(ctx, name, store.Turn{Bounded: due == nil})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	switch {
	case held.AuthType.Exchanged() && due != nil: // it has become that meanwhile
		return nil, rotation.ErrNotDue
	case held.AuthType.Exchanged():
		return s.consents.RefreshNow(ctx, held, who)
	}
	return s.rotations.Rotate(ctx, held, who, due)
}

// Resume takes up a rotation that was cut off, if there is one, and tells of it. It reports
// whether its successor was swapped in.
func (s *Swaps) Resume(ctx context.Context, name string) (bool, error) {
	change, err := s.rotations.Resume(ctx, name)
	if err != nil || change == nil {
		return false, err
	}
	s.announce(ctx, backend.EventRotate, s.watch.Swapped(ctx, change))
	return true, nil
}

// Rollback goes back to the credential before the one in use, if that still works: it
// is checked like any other, and swapped in with one Put as a new version, of which it
// tells. The one that it replaces can be gone back to in turn.
func (s *Swaps) Rollback(ctx context.Context, name string, who backend.Actor) (*backend.Change, error) {
	change, err := s.door.Checked(ctx, name, func(held *credential.Held) credential.Edit {
		return func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
			previous := change.Before.Previous
			if previous == nil || !s.now().Before(change.Before.PreviousUntil) || !held.SameDestination(previous) {
				return nil, nothingToRollBack(held.Integration, change.Before)
			}
			next, err := held.Check(ctx, backend.Entry{Credential: previous.Credential, ExpiresAt: previous.ExpiresAt}, change)
			if err != nil {
				return nil, err
			}
			next.TakeOver(previous)
			after := change.Before.Swapped(next, backend.CauseRollback, who, held.Mount.HistoryLimit)
			after = after.WithPrevious(change.Before, s.now().Add(held.Mount.RollbackWindow))
			return after, nil
		}
	})
	if err == nil {
		s.announce(ctx, backend.EventRollback, s.watch.Swapped(ctx, change))
	}
	return change, err
}

func nothingToRollBack(in *backend.Integration, record *backend.Record) *backend.Error {
	return &backend.Error{
		Code: backend.CodeNothingToRollBack, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("no credential before the present one of integration %q is kept: there was none, its rollback_window is over, it was forgotten, or the upstream ended it when it was replaced; %s", in.Name, backend.StaysInUse(record)),
	}
}

// Erase forgets the credential before the one in use, once its time is over.
func (s *Swaps) Erase(ctx context.Context, name string) error {
	_, err := s.door.Update(ctx, name, func(*credential.Held) credential.Edit {
		return func(_ context.Context, change *backend.Change) (*backend.Record, error) {
			if change.Before.Previous == nil || s.now().Before(change.Before.PreviousUntil) {
				return change.Before, nil
			}
			return change.Before.WithoutPrevious(), nil
		}
	})
	return err
}

// announce sends the event of a swap for each integration that it is good for.
func (s *Swaps) announce(ctx context.Context, kind backend.EventType, all []*health.Assessment) {
	for _, assessed := range all {
		s.notify(ctx, backend.Event{
			Type: kind, Integration: assessed.Integration.Name, Provider: assessed.Integration.Provider,
			Version: assessed.Record.Version, Status: assessed.Health.Status,
		})
	}
}
