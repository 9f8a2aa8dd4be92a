package swap

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/store"
)

// clearPatience is how long forgetting waits for an upstream that has something to remove.
const clearPatience = 10 * time.Second

// Forget erases the credential and keeps its counter and history. Without a
// credential it changes nothing. A shared credential is forgotten for all. It goes before
// the checks that wait for the record, and these are refused.
func (s *Swaps) Forget(ctx context.Context, name string, who backend.Actor) (*backend.Change, error) {
	held, err := s.door.Hold(ctx, name, store.Turn{First: true, Last: true})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	record, err := held.Record(ctx)
	if err != nil {
		return nil, err
	}
	if !record.Holds() {
		return &backend.Change{Integration: held.Integration, Subject: held.Subject, Before: record, After: record}, nil
	}
	if err := s.clearAway(ctx, held); err != nil {
		return nil, err
	}
	// A successor may have been swapped in, and versions never go back.
	return held.Edit(ctx, func(_ context.Context, change *backend.Change) (*backend.Record, error) {
		s.faults.Over(name, fault.DeedCheck, fault.DeedRefresh)
		return change.Before.Forgotten(s.now(), who, held.Mount.HistoryLimit), nil
	})
}

// clearAway removes upstream what rotations have left there, if it can be: afterwards
// nobody has a credential to do so. An upstream that refuses, is down or takes long keeps
// nobody from forgetting.
func (s *Swaps) clearAway(ctx context.Context, held *credential.Held) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearPatience)
	defer cancel()
	taken, err := s.rotations.Settle(limited, held)
	if err == nil && taken != nil { // what it replaced is left to remove
		_, err = s.rotations.Settle(limited, held)
	}
	var refused *backend.Error
	if err != nil && !errors.As(err, &refused) && limited.Err() == nil {
		return err
	}
	if err := s.pendings.Remove(ctx, held.RecordID); err != nil { // it may hold a successor
		return err
	}
	s.pendings.Drop(held.RecordID)
	return nil
}
