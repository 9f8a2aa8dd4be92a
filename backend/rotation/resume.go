package rotation

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Resume takes up a rotation of the integration that was cut off, if there is one. It
// returns the change if its successor was swapped in, else nil.
func (r *Rotations) Resume(ctx context.Context, name string) (*backend.Change, error) {
	held, err := r.door.Hold(ctx, name, store.Turn{})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	return r.resume(context.WithoutCancel(ctx), held, false)
}

// Settle finishes what rotations have left of a record, as far as it can be. It returns the
// change if a successor was swapped in.
func (r *Rotations) Settle(ctx context.Context, held *credential.Held) (*backend.Change, error) {
	return r.resume(ctx, held, true)
}

// finishPrevious completes an interrupted rotation before a new one starts, so that its note
// is not lost, and asks whether another one is still due. If that put a new credential in
// place it returns the change: rotating again would revoke what workers have just been given.
func (r *Rotations) finishPrevious(ctx context.Context, held *credential.Held, due func(*backend.Subject, *backend.Record) bool) (*backend.Change, error) {
	taken, err := r.resume(context.WithoutCancel(ctx), held, true)
	if err != nil || taken != nil {
		return taken, err
	}
	p, err := r.pendings.read(ctx, held.RecordID)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return nil, &backend.Error{
			Code: string(providers.Unreachable), Integration: held.Integration.Name, Provider: held.Integration.Provider,
			Message: "the rotation before is not finished yet, because upstream or storage did not answer; try again later",
		}
	}
	record, err := held.RecordToSend(ctx)
	if err == nil && due != nil && !due(held.Subject, record) {
		err = ErrNotDue
	}
	return nil, err
}

// resume takes up a rotation that was cut off, or finishes one whose time has come;
// early says that it has. It returns the change if the successor was swapped in, now or
// by a Put that nobody was told of. A context that ends leaves the rest to the next resume.
func (r *Rotations) resume(ctx context.Context, held *credential.Held, early bool) (*backend.Change, error) {
	p, err := r.pendings.read(ctx, held.RecordID)
	if early && errors.Is(err, store.ErrUndecodable) {
		return nil, r.pendings.Remove(ctx, held.RecordID) // it would stand in everybody's way for ever
	}
	if err != nil || p == nil {
		return nil, err
	}
	record, err := held.RecordToSend(ctx)
	if err != nil {
		return nil, err
	}
	rotator, err := rotator(held.Subject)
	if err != nil || record.Current == nil || r.now().Sub(laterOf(p.BegunAt, p.FinishAt)) > pendingLife {
		r.pendings.Drop(held.RecordID)
		return nil, r.pendings.Remove(ctx, held.RecordID) // it concerns nobody any more
	}
	if p, err = r.unsaved(ctx, held.RecordID, p); err != nil {
		return nil, err
	}
	return (&rotation{r, held, rotator}).goOn(ctx, record, p, early)
}

// goOn is resume for a rotation that can be gone on with.
func (c *rotation) goOn(ctx context.Context, record *backend.Record, p *backend.Pending, early bool) (_ *backend.Change, err error) {
	stage := stageOf(p, record)
	if stage == stageOvertaken {
		if p, err = c.overtaken(ctx, record, p); err != nil || p == nil {
			return nil, err
		}
		stage = stageOf(p, record)
	}
	switch {
	case stage == stageUsed:
		return c.saved(ctx, record, p), nil
	case stage != stageFinishing:
		return c.takeUp(ctx, record, p, stage)
	case !early && c.now().Before(p.FinishAt):
		return nil, nil //nolint:nilnil // nothing was swapped in
	}
	return nil, c.clearUp(ctx, record, p)
}

// clearUp removes upstream what a rotation leaves: the credential that it replaced, or its
// successor if somebody went back.
func (c *rotation) clearUp(ctx context.Context, record *backend.Record, p *backend.Pending) error {
	back, err := c.wentBack(ctx, record, p)
	switch {
	case err != nil:
		return err
	case back:
		return c.disown(ctx, record, p)
	}
	c.finish(ctx, record.Current.Credential, p)
	return nil
}

// wentBack reports whether the credential that a rotation replaced is in use again. It must
// not be removed upstream, however it was named.
func (c *rotation) wentBack(ctx context.Context, record *backend.Record, p *backend.Pending) (bool, error) {
	if p.Replaced == "" {
		return false, nil
	}
	return c.HasPrint(ctx, record.Current, p.Replaced)
}

// saved goes on with a rotation that was cut off after its successor was swapped in.
func (c *rotation) saved(ctx context.Context, record *backend.Record, p *backend.Pending) *backend.Change {
	before := *record
	before.Version, before.Current = before.Version-1, before.Previous
	change := &backend.Change{Integration: c.Integration, Subject: c.Subject, Before: &before, After: record}
	tookUp(change, p)
	c.Tell(ctx, change, record.History[0]) // rather twice than not at all
	c.conclude(ctx, change, p)
	return change
}

// tookUp says whose successor this is.
func tookUp(change *backend.Change, p *backend.Pending) {
	change.Warnings = append(change.Warnings, "the rotation begun on "+p.BegunAt.Format(time.RFC3339)+" was cut off and is taken up: this is the credential that it made; no other one was made now")
}

// unsaved is the rotation with its successor, if that could not be stored before.
func (r *Rotations) unsaved(ctx context.Context, id string, p *backend.Pending) (*backend.Pending, error) {
	kept := r.pendings.unsaved(id)
	if kept == nil || !kept.BegunAt.Equal(p.BegunAt) {
		return p, nil
	}
	if err := r.pendings.saveSurely(ctx, id, kept); err != nil {
		return nil, err
	}
	return kept, nil
}

// takeUp goes on with a rotation whose successor is not in use yet.
func (c *rotation) takeUp(ctx context.Context, record *backend.Record, p *backend.Pending, s stage) (*backend.Change, error) {
	if s == stageMade {
		adopted, err := c.adopt(ctx, record, p)
		if err == nil {
			tookUp(adopted, p)
			return adopted, nil
		}
		var refused *backend.Error
		if !c.rotator.Overlaps() || !errors.As(err, &refused) || !refused.Verdict() {
			return nil, err
		}
		// The successor does not do: it is given up upstream, so that another can be made.
		c.pendings.Drop(c.RecordID)
	}
	return nil, c.recover(ctx, record, p)
}

// overtaken is a rotation after which a person replaced the credential. If its successor
// was in use, it is to be finished like any other, and that is noted and returned; if it
// never was, nobody has it, and it is given up.
func (c *rotation) overtaken(ctx context.Context, record *backend.Record, p *backend.Pending) (*backend.Pending, error) {
	noted := p.Finishing(c.now())
	used := false
	for _, entry := range record.History {
		used = used || p.Fingerprint != "" && entry.Fingerprint == p.Fingerprint
		if entry.Version == p.Version && noted.Replaced == "" {
			noted.Replaced = entry.Fingerprint
		}
	}
	if !used {
		return nil, c.disown(ctx, record, p)
	}
	if record.Previous != nil {
		noted.FinishAt = record.PreviousUntil
	}
	return noted, c.pendings.save(ctx, c.RecordID, noted)
}

// notRotated decides what is left of a rotation whose request did not succeed. If it
// was clearly not carried out, nothing is.
func (c *rotation) notRotated(ctx context.Context, record *backend.Record, p *backend.Pending, err error) error {
	var cause *providers.Error
	if errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError {
		if err := c.pendings.Remove(ctx, c.RecordID); err != nil {
			return err
		}
		return c.Refused(ctx, record, err)
	}
	if lost := c.recover(ctx, record, p); lost != nil {
		return lost
	}
	return c.Refused(ctx, record, err)
}

// recover finds out what became of a rotation whose answer never came. A credential
// that is dead since then is marked: its successor is lost, and a person must act.
func (c *rotation) recover(ctx context.Context, record *backend.Record, p *backend.Pending) error {
	ctx, cancel := context.WithTimeout(ctx, c.Mount.ExchangeTimeout())
	defer cancel()
	try := func() (bool, error) { return c.rotator.Recover(ctx, c.Target(), record.Current.Credential, p.Rotation) }
	lives, err := try()
	if err == nil && !lives { // as any refusal, it counts once it is confirmed
		if err = ask.Pause(ctx); err == nil {
			lives, err = try()
		}
	}
	if err != nil {
		return nil // it stays pending, and is looked at again
	}
	if !lives {
		e := rotationLost(c.Integration, p, c.rotator.Overlaps())
		if _, err := c.Mark(ctx, record, e); err != nil {
			return err
		}
		if err := c.pendings.Remove(ctx, c.RecordID); err != nil {
			return err
		}
		return e
	}
	return c.pendings.Remove(ctx, c.RecordID)
}

// rotationLost is the refusal for a credential that died in a rotation. Where it overlaps
// with its successor, the rotation is not what ended it.
func rotationLost(in *backend.Integration, p *backend.Pending, overlaps bool) *backend.Error {
	why := "the upstream replaced the credential, and its answer with the new one was lost"
	if overlaps {
		why = "the upstream refuses the credential in use, and its answer with the new one was lost"
	}
	return &backend.Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: "the rotation begun on " + p.BegunAt.Format(time.RFC3339) + " was cut off: " + why + "; write another one to reauth/" + in.Name,
	}
}

// disown removes upstream a successor that is used no more, with the credential that it
// had replaced.
func (c *rotation) disown(ctx context.Context, record *backend.Record, p *backend.Pending) error {
	ctx, cancel := context.WithTimeout(ctx, c.Mount.ExchangeTimeout())
	defer cancel()
	if _, err := c.rotator.Recover(ctx, c.Target(), record.Current.Credential, p.Rotation); err != nil {
		return nil // the sweep tries again
	}
	return c.pendings.Remove(ctx, c.RecordID)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
