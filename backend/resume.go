package backend

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Resume takes up a rotation of the integration that was cut off, if there is one. It
// returns the change if its successor was swapped in, else nil.
func (c *Credentials) Resume(ctx context.Context, name string) (*Change, error) {
	held, err := c.hold(ctx, name, turn{})
	if err != nil {
		return nil, err
	}
	defer held.release()
	return c.resume(context.WithoutCancel(ctx), held.in, held.id, held.mount, false)
}

// settled ends the rotation before, if there is one, so that its note is not lost, and
// asks whether another one is still due. If its successor was swapped in, and whoever
// asked for it may not know, it returns that change: another rotation at once would end
// what workers use at this moment.
func (c *Credentials) settled(ctx context.Context, in *Integration, id string, mount *Mount, due func(*Record) bool) (*Change, error) {
	taken, err := c.resume(context.WithoutCancel(ctx), in, id, mount, true)
	if err != nil || taken != nil {
		return taken, err
	}
	p, err := c.pending.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return nil, &Error{
			Code: string(providers.Unreachable), Integration: in.Name, Provider: in.Provider,
			Message: "the rotation before is not finished yet, because upstream or storage did not answer; try again later",
		}
	}
	record, err := c.athome(ctx, in, id)
	if err == nil && due != nil && !due(record) {
		err = errNotDue
	}
	return nil, err
}

// resume takes up a rotation that was cut off, or finishes one whose time has come;
// early says that it has. It returns the change if the successor was swapped in, now or
// by a Put that nobody was told of. The caller holds the lock of the record; a context that
// ends leaves the rest to the next resume.
func (c *Credentials) resume(ctx context.Context, in *Integration, id string, mount *Mount, early bool) (*Change, error) {
	p, err := c.pending.loadExact(ctx, id)
	if early && errors.Is(err, errUndecodable) {
		return nil, c.pending.remove(ctx, id) // it would stand in everybody's way for ever
	}
	if err != nil || p == nil {
		return nil, err
	}
	record, err := c.athome(ctx, in, id)
	if err != nil {
		return nil, err
	}
	rotator, err := c.rotator(in, mount)
	if err != nil || record.Current == nil || c.now().Sub(laterOf(p.BegunAt, p.FinishAt)) > pendingLife {
		c.refreshes.made(id, nil)
		return nil, c.pending.remove(ctx, id) // it concerns nobody any more
	}
	if p, err = c.unsaved(ctx, id, p); err != nil {
		return nil, err
	}
	return c.goOn(ctx, &Change{Integration: in, Before: record, id: id}, p, rotator, mount, early)
}

// goOn is resume for a rotation that can be gone on with.
func (c *Credentials) goOn(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount, early bool) (_ *Change, err error) {
	used := p.Fingerprint == change.Before.Current.Fingerprint
	if p.FinishAt.IsZero() && change.Before.Version != p.Version && !used { // a person was faster
		if p, err = c.overtaken(ctx, change, p, rotator, mount); err != nil || p == nil {
			return nil, err
		}
	}
	switch {
	case p.FinishAt.IsZero() && used:
		return c.saved(ctx, change, p, rotator, mount), nil
	case p.FinishAt.IsZero():
		return c.takeUp(ctx, change, p, rotator, mount)
	case !early && c.now().Before(p.FinishAt):
		return nil, nil //nolint:nilnil // nothing was swapped in
	}
	return nil, c.clearUp(ctx, change, p, rotator, mount)
}

// clearUp removes upstream what a rotation leaves: the credential that it replaced, or its
// successor if somebody went back.
func (c *Credentials) clearUp(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) error {
	back, err := c.wentBack(ctx, change, p)
	switch {
	case err != nil:
		return err
	case back:
		return c.disown(ctx, change, p, rotator, mount)
	}
	c.finish(ctx, change.Integration, change.id, change.Before.Current.Credential, p, rotator, mount)
	return nil
}

// wentBack reports whether the credential that a rotation replaced is in use again. It must
// not be removed upstream, however it was named.
func (c *Credentials) wentBack(ctx context.Context, change *Change, p *Pending) (bool, error) {
	if p.Replaced == "" {
		return false, nil
	}
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return false, err
	}
	auth, _ := provider.Spec().AuthType(change.Integration.AuthType)
	return c.marks.names(ctx, auth, change.Before.Current, p.Replaced)
}

// saved goes on with a rotation that was cut off after its successor was swapped in.
func (c *Credentials) saved(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) *Change {
	before := *change.Before
	before.Version, before.Current = before.Version-1, before.Previous
	change.Before, change.After = &before, change.Before
	change.tookUp(p)
	c.tellEntry(ctx, change, change.After.History[0]) // rather twice than not at all
	c.conclude(ctx, change, p, rotator, mount)
	return change
}

// tookUp says whose successor this is.
func (change *Change) tookUp(p *Pending) {
	change.Warnings = append(change.Warnings, "the rotation begun on "+p.BegunAt.Format(time.RFC3339)+" was cut off and is taken up: this is the credential that it made; no other one was made now")
}

// unsaved is the rotation with its successor, if that could not be stored before.
func (c *Credentials) unsaved(ctx context.Context, id string, p *Pending) (*Pending, error) {
	kept := c.refreshes.unsavedSuccessor(id)
	if kept == nil || !kept.BegunAt.Equal(p.BegunAt) {
		return p, nil
	}
	if err := c.pending.save(ctx, id, kept); err != nil {
		return nil, err
	}
	c.refreshes.made(id, nil)
	return kept, nil
}

// takeUp goes on with a rotation whose successor is not in use yet.
func (c *Credentials) takeUp(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) (*Change, error) {
	if p.Fingerprint != "" {
		adopted, err := c.adopt(ctx, change, p, rotator, mount)
		if err == nil {
			adopted.tookUp(p)
			return adopted, nil
		}
		var refused *Error
		if !rotator.Overlaps() || !errors.As(err, &refused) || !refused.verdict() {
			return nil, err
		}
		// The successor does not do: it is given up upstream, so that another can be made.
		c.refreshes.made(change.id, nil)
	}
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return nil, err
	}
	return nil, c.recover(ctx, rotator, change.Integration.target(provider.Spec(), mount), change, p, mount)
}

// overtaken is a rotation after which a person replaced the credential. If its successor
// was in use, it is to be finished like any other, and that is noted and returned; if it
// never was, nobody has it, and it is given up.
func (c *Credentials) overtaken(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) (*Pending, error) {
	noted := p.finishing(c.now())
	used := false
	for _, entry := range change.Before.History {
		used = used || p.Fingerprint != "" && entry.Fingerprint == p.Fingerprint
		if entry.Version == p.Version && noted.Replaced == "" {
			noted.Replaced = entry.Fingerprint
		}
	}
	if !used {
		return nil, c.disown(ctx, change, p, rotator, mount)
	}
	if change.Before.Previous != nil {
		noted.FinishAt = change.Before.PreviousUntil
	}
	return noted, c.pending.save(ctx, change.id, noted)
}

// notRotated decides what is left of a rotation whose request did not succeed. If it
// was clearly not carried out, nothing is.
func (c *Credentials) notRotated(ctx context.Context, rotator providers.Rotator, t providers.Target, change *Change, p *Pending, mount *Mount, err error) error {
	var cause *providers.Error
	if errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError {
		if err := c.pending.remove(ctx, change.id); err != nil {
			return err
		}
		return c.refused(ctx, change.Integration, change.Before, err, nil)
	}
	if lost := c.recover(ctx, rotator, t, change, p, mount); lost != nil {
		return lost
	}
	return c.refused(ctx, change.Integration, change.Before, err, nil)
}

// recover finds out what became of a rotation whose answer never came. A credential
// that is dead since then is marked: its successor is lost, and a person must act.
func (c *Credentials) recover(ctx context.Context, rotator providers.Rotator, t providers.Target, change *Change, p *Pending, mount *Mount) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	ask := func() (bool, error) { return rotator.Recover(ctx, t, change.Before.Current.Credential, p.Rotation) }
	lives, err := ask()
	if err == nil && !lives { // as any refusal, it counts once it is confirmed
		if err = pause(ctx); err == nil {
			lives, err = ask()
		}
	}
	if err != nil {
		return nil // it stays pending, and is looked at again
	}
	if !lives {
		e := rotationLost(change.Integration, p, rotator.Overlaps())
		if _, err := c.mark(ctx, change.Integration, change.Before, e); err != nil {
			return err
		}
		if err := c.pending.remove(ctx, change.id); err != nil {
			return err
		}
		return e
	}
	return c.pending.remove(ctx, change.id)
}

// rotationLost is the refusal for a credential that died in a rotation. Where it overlaps
// with its successor, the rotation is not what ended it.
func rotationLost(in *Integration, p *Pending, overlaps bool) *Error {
	why := "the upstream replaced the credential, and its answer with the new one was lost"
	if overlaps {
		why = "the upstream refuses the credential in use, and its answer with the new one was lost"
	}
	return &Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: "the rotation begun on " + p.BegunAt.Format(time.RFC3339) + " was cut off: " + why + "; write another one to reauth/" + in.Name,
	}
}

// disown removes upstream a successor that is used no more, with the credential that it
// had replaced.
func (c *Credentials) disown(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return err
	}
	if _, err := rotator.Recover(ctx, change.Integration.target(provider.Spec(), mount), change.Before.Current.Credential, p.Rotation); err != nil {
		return nil // the sweep tries again
	}
	return c.pending.remove(ctx, change.id)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
