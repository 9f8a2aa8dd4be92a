package backend

import (
	"context"
	"errors"
	"fmt"
)

// update is the one way a record changes: lock, load, edit, save. If edit
// returns the record it was given, nothing is written.
func (c *Credentials) update(ctx context.Context, as turn, name string, edit func(context.Context, *Integration, *Change) (*Record, error)) (*Change, error) {
	in, id, release, err := c.lock(ctx, as, name)
	if err != nil {
		return nil, err
	}
	defer release()
	change, err := c.edit(ctx, in, id, func(ctx context.Context, change *Change) (*Record, error) { return edit(ctx, in, change) })
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), errOvertaken) {
		return nil, c.busy(ctx, in, id, errOvertaken)
	}
	return change, err
}

// checked is update for a request that has a credential checked, which takes as long as
// the upstream does. It makes way for what goes first.
func (c *Credentials) checked(ctx context.Context, name string, edit func(context.Context, *Integration, *Change) (*Record, error)) (*Change, error) {
	ctx, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	return c.update(ctx, turn{bounded: true, interrupt: interrupt}, name, edit)
}

// edit is update for whoever holds the lock of the record.
func (c *Credentials) edit(ctx context.Context, in *Integration, id string, edit func(context.Context, *Change) (*Record, error)) (*Change, error) {
	before, err := c.records.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	change := &Change{Integration: in, Before: before, id: id}
	if change.After, err = edit(ctx, change); err != nil {
		return nil, err
	}
	if change.After == before {
		return change, nil
	}
	if err := c.put(ctx, change); err != nil {
		return nil, err
	}
	c.pools.checked(id, change.After.Version, change.tokens, change.asked, c.now())
	if change.again {
		if err := c.acquitted(ctx, change); err != nil {
			return nil, err
		}
	}
	return change, nil
}

// lock locks the integration's credential record. It reads the configuration
// again once it has the lock, after which nobody can change it: where the
// credential goes must not move between the check and the swap.
func (c *Credentials) lock(ctx context.Context, as turn, name string) (*Integration, string, func(), error) {
	for {
		in, expected, err := c.located(ctx, name)
		if err != nil {
			return nil, "", nil, err
		}
		release, err := c.locks.take(ctx, as, expected)
		if errors.Is(err, errCrowded) || errors.Is(err, errOvertaken) {
			return nil, "", nil, c.busy(ctx, in, expected, err)
		}
		if err != nil {
			return nil, "", nil, err
		}
		in, id, err := c.located(ctx, name)
		if err == nil && id == expected {
			return in, id, release, nil
		}
		release()
		if err != nil {
			return nil, "", nil, err
		}
	}
}

// held is a record under its lock, and what whoever changes it goes by.
type held struct {
	in      *Integration
	id      string
	mount   *Mount
	release func()
}

// hold is lock for what goes on after its request has gone: the end of the engine
// waits for the release.
func (c *Credentials) hold(ctx context.Context, name string, as turn) (*held, error) {
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	in, id, unlock, err := c.lock(ctx, as, name)
	if err != nil {
		return nil, err
	}
	if err := c.refreshes.begin(); err != nil {
		unlock()
		return nil, err
	}
	return &held{in, id, mount, func() {
		c.refreshes.done()
		unlock()
	}}, nil
}

// busy is the refusal for a check that was not done because of others.
func (c *Credentials) busy(ctx context.Context, in *Integration, id string, why error) error {
	stays := "what is stored stays as it is"
	if record, err := c.records.load(context.WithoutCancel(ctx), id); err == nil {
		stays = kept(record)
	}
	e := &Error{Code: CodeBusy, Integration: in.Name, Provider: in.Provider, RetryAfter: busyPause}
	if errors.Is(why, errCrowded) {
		e.Message = fmt.Sprintf("%d requests wait already to have a credential of integration %q checked; this one was not sent to the upstream; %s; send it again in a while, and if nobody you know of sends the others, revoke the token that does: forgetting, deleting and configuring do not wait for them", maxWaiting, in.Name, stays)
		return e
	}
	e.Message = fmt.Sprintf("the credential of integration %q was forgotten, or its configuration written, before this one was checked to the end, and that goes first; this one was not stored; %s; send it again if it is still wanted", in.Name, stays)
	return e
}

func (c *Credentials) located(ctx context.Context, name string) (*Integration, string, error) {
	in, err := c.integrations.readExact(ctx, name)
	if err != nil {
		return nil, "", err
	}
	id, err := c.integrations.recordID(in)
	return in, id, err
}
