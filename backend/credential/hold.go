package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Edit returns what a record becomes: the one that it was given, Change.Before, for no
// change. It can add to the change what a person should know.
type Edit func(ctx context.Context, change *backend.Change) (*backend.Record, error)

// Held is a credential record under its lock, with its integration as it is configured
// while nobody can change it. Release it.
type Held struct {
	*backend.Subject
	door    *Door
	release func()
}

// Release gives the record back.
func (h *Held) Release() { h.release() }

// Update is the one way a credential changes: lock, load, edit, save. If edit returns the record
// it was given, nothing is written.
func (d *Door) Update(ctx context.Context, name string, edit func(*Held) Edit) (*backend.Change, error) {
	return d.update(ctx, store.Turn{}, name, edit)
}

// Checked is Update for a request that has a credential checked, which takes as long as
// the upstream does. It makes way for what goes first.
func (d *Door) Checked(ctx context.Context, name string, edit func(*Held) Edit) (*backend.Change, error) {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	return d.update(ctx, store.Turn{Bounded: true, Interrupt: interrupt}, name, edit)
}

// CheckedOn is Checked for a request that goes on once it holds the record, even if whoever
// sent it does not wait for the answer: what the upstream says must not be lost. It is bounded
// by the mount's time limits.
func (d *Door) CheckedOn(ctx context.Context, name string, edit func(*Held) Edit) (*backend.Change, error) {
	on, interrupt := context.WithCancelCause(context.WithoutCancel(ctx))
	defer interrupt(nil)
	held, err := d.Hold(ctx, name, store.Turn{Bounded: true, Interrupt: interrupt})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	limited, cancel := context.WithTimeout(on, held.Mount.ExchangeTimeout())
	defer cancel()
	return d.change(limited, held, edit)
}

func (d *Door) update(ctx context.Context, as store.Turn, name string, edit func(*Held) Edit) (*backend.Change, error) {
	held, err := d.Lock(ctx, name, as)
	if err != nil {
		return nil, err
	}
	defer held.release()
	return d.change(ctx, held, edit)
}

// change edits what is held, and says so where somebody who goes first has ended that.
func (d *Door) change(ctx context.Context, held *Held, edit func(*Held) Edit) (*backend.Change, error) {
	change, err := held.Edit(ctx, edit(held))
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), store.ErrOvertaken) {
		return nil, d.busy(ctx, held.Subject, store.ErrOvertaken)
	}
	return change, err
}

// Edit is Update for a caller that holds the record already.
func (h *Held) Edit(ctx context.Context, edit Edit) (*backend.Change, error) {
	before, err := h.Record(ctx)
	if err != nil {
		return nil, err
	}
	change := &backend.Change{Integration: h.Integration, Subject: h.Subject, Before: before}
	if change.After, err = edit(ctx, change); err != nil {
		return nil, err
	}
	if change.After == before {
		return change, nil
	}
	if err := h.save(ctx, change); err != nil {
		return nil, err
	}
	h.door.quotas.Checked(h.RecordID, change.After.Version, change.Tokens, change.Asked, h.door.now())
	if change.Again {
		if err := h.acquitted(ctx, change); err != nil {
			return nil, err
		}
	}
	return change, nil
}

// NoteRefresh stores since when a refresh of the access token has been under way whose answer
// is not saved, zero for none, in the middle of an Edit. It changes nothing else of the record.
// It writes in any case, which proves that storage takes writes.
func (h *Held) NoteRefresh(ctx context.Context, since time.Time) error {
	stored, err := h.Record(ctx)
	if err != nil {
		return err
	}
	if stored.Current == nil || stored.Current.Access == nil {
		return errOtherCredential
	}
	return h.door.records.table.Save(ctx, h.RecordID, stored.WithAccess(func(a *backend.Access) { a.RefreshingSince = since }))
}

// NoteFound stores what a check has found of the credential in use, after the Edit that
// brought it, and returns the record. Version, history and secrets stay. It refuses what
// was found of another credential.
func (h *Held) NoteFound(ctx context.Context, found *backend.Stored) (*backend.Record, error) {
	stored, err := h.Record(ctx)
	if err != nil {
		return nil, err
	}
	after := stored.Found(found)
	if after == nil {
		return nil, errOtherCredential
	}
	return after, h.door.records.table.Save(ctx, h.RecordID, after)
}

// errOtherCredential refuses to note something of a credential that is not the one in use.
var errOtherCredential = errors.New("the credential in use is another one")

// Record returns the record as it is stored.
func (h *Held) Record(ctx context.Context) (*backend.Record, error) {
	return h.door.records.LoadExact(ctx, h.RecordID)
}

// RecordToSend is Record for a caller that sends the credential: it refuses if the integration
// leads elsewhere than where the credential was checked.
func (h *Held) RecordToSend(ctx context.Context) (*backend.Record, error) {
	record, err := h.Record(ctx)
	if err != nil {
		return nil, err
	}
	return record, h.door.MayLeave(h.Integration, record)
}

// Destination stands for where a credential of the integration is sent.
func (h *Held) Destination() string { return h.door.configurations.Destination(h.Integration) }

// SameDestination reports whether a credential was checked where the integration leads.
func (h *Held) SameDestination(s *backend.Stored) bool {
	return h.door.configurations.SameDestination(h.Integration, s)
}

// Lock locks the integration's credential record. It reads the configuration
// again once it has the lock, after which nobody can change it: where the
// credential goes must not move between the check and the swap.
func (d *Door) Lock(ctx context.Context, name string, as store.Turn) (*Held, error) {
	for {
		expected, err := d.located(ctx, name, nil)
		if err != nil {
			return nil, err
		}
		release, err := d.locks.Take(ctx, as, expected.RecordID)
		if errors.Is(err, store.ErrCrowded) || errors.Is(err, store.ErrOvertaken) {
			return nil, d.busy(ctx, expected, err)
		}
		if err != nil {
			return nil, err
		}
		subject, err := d.relocated(ctx, name, expected)
		if err == nil && subject != nil {
			return &Held{Subject: subject, door: d, release: release}, nil
		}
		release()
		if err != nil {
			return nil, err
		}
	}
}

// relocated is what an integration is once its record is locked; nil where it has another
// record by now.
func (d *Door) relocated(ctx context.Context, name string, known *backend.Subject) (*backend.Subject, error) {
	subject, err := d.located(ctx, name, known)
	if err != nil || subject.RecordID != known.RecordID {
		return nil, err
	}
	subject.Mount, err = d.mounts.Read(ctx)
	return subject, err
}

// Hold is Lock for what goes on after its request has gone: the end of the engine
// waits for the release.
func (d *Door) Hold(ctx context.Context, name string, as store.Turn) (*Held, error) {
	if _, err := d.mounts.Read(ctx); err != nil {
		return nil, err
	}
	held, err := d.Lock(ctx, name, as)
	if err != nil {
		return nil, err
	}
	done, err := d.Begin()
	if err != nil {
		held.release()
		return nil, err
	}
	unlock := held.release
	held.release = func() {
		done()
		unlock()
	}
	return held, nil
}

// located resolves an integration as it is stored; known is what it was a moment ago.
func (d *Door) located(ctx context.Context, name string, known *backend.Subject) (*backend.Subject, error) {
	in, err := d.configurations.ReadExact(ctx, name)
	if err != nil {
		return nil, err
	}
	if known != nil && known.Integration == in {
		return known, nil
	}
	return d.configurations.Subject(in)
}

// busy returns the refusal of a check that was not made, because too many requests wait for
// the lock of the record or because one that goes first has taken it.
func (d *Door) busy(ctx context.Context, s *backend.Subject, why error) error {
	in, stays := s.Integration, "what is stored stays as it is"
	if record, err := d.records.table.Load(context.WithoutCancel(ctx), s.RecordID); err == nil {
		stays = backend.StaysInUse(record)
	}
	e := &backend.Error{Code: backend.CodeBusy, Integration: in.Name, Provider: in.Provider, RetryAfter: store.BusyPause}
	if errors.Is(why, store.ErrCrowded) {
		e.Message = fmt.Sprintf("%d requests wait already to have a credential of integration %q checked; this one was not sent to the upstream; %s; send it again in a while, and if nobody you know of sends the others, revoke the token that does: forgetting, deleting and configuring do not wait for them", store.MaxWaiting, in.Name, stays)
		return e
	}
	e.Message = fmt.Sprintf("the credential of integration %q was forgotten, or its configuration written, before this one was checked to the end, and that goes first; this one was not stored; %s; send it again if it is still wanted", in.Name, stays)
	return e
}

// Refused says what a failed request to the upstream means for the credential in use.
func (h *Held) Refused(ctx context.Context, before *backend.Record, err error) error {
	return h.door.refused(ctx, h.Integration, before, err, nil)
}

// Check asks the upstream whether an entered credential works, for the integration and for
// all that share its record, and returns what would be stored. It adds to change what a
// person should know.
func (h *Held) Check(ctx context.Context, entry backend.Entry, change *backend.Change) (*backend.Stored, error) {
	return h.door.check(ctx, h.Subject, entry, change)
}

// Prints are the fingerprints of a credential that is about to follow that of a record.
func (h *Held) Prints(ctx context.Context, before *backend.Record, cred providers.Credential) (backend.Prints, error) {
	return h.door.prints.Of(ctx, h.Subject, before, cred)
}

// HasPrint reports whether a fingerprint is that of the credential.
func (h *Held) HasPrint(ctx context.Context, s *backend.Stored, fingerprint string) (bool, error) {
	return h.door.prints.Names(ctx, h.AuthType, s, fingerprint)
}

// CanPrint makes sure that Prints cannot fail afterwards.
func (h *Held) CanPrint(ctx context.Context) error {
	_, err := h.door.prints.Key(ctx)
	return err
}

// Mark stores as a finding that a credential is no good, and returns that: also with an error
// of the Put, after which it is in memory alone.
func (h *Held) Mark(ctx context.Context, record *backend.Record, e *backend.Error) (*backend.Finding, error) {
	in, now := h.Integration, h.door.now()
	held, err := h.door.findings.Hold(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	defer held.Release()
	stored, err := held.Load(ctx)
	if err != nil {
		return nil, err
	}
	finding := stored.Of(record.Version).After(&backend.Result{Record: record, Code: e.Code, Message: e.Message, Unjudged: e.Unjudged, Asked: now}, h.door.now())
	if err := held.Save(ctx, finding); err != nil {
		held.Postpone(finding, err)
		return finding, err
	}
	return finding, nil
}

// Tell has an entry of the history told once more.
func (h *Held) Tell(ctx context.Context, change *backend.Change, entry backend.HistoryEntry) {
	h.door.tellEntry(ctx, h.RecordID, change, entry)
}
