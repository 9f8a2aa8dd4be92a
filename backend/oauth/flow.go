package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

const (
	// flowLife is how long a person has to consent.
	flowLife = 10 * time.Minute
	// maxFlows bounds the open flows of an integration; the oldest makes room.
	maxFlows = 100
	// maxInvited bounds those of one invitation, which do not count as the integration's:
	// whoever has its link must not end what others began.
	maxInvited = 2
)

// flows are the open flows of a mount. They are safe for concurrent use.
type flows struct {
	table *store.Table[backend.Flow]
	locks *store.Locks
	now   func() time.Time
}

// open begins a flow and returns its state.
func (f *flows) open(ctx context.Context, flow *backend.Flow) (providers.Secret, error) {
	release, err := f.locks.Acquire(ctx, backend.FlowsPrefix+flow.Integration) // no integration has this name
	if err != nil {
		return providers.Secret{}, err
	}
	defer release()
	numbered := *flow
	if numbered.Number, err = f.makeRoom(ctx, flow); err != nil {
		return providers.Secret{}, err
	}
	state := backend.RandomSecret()
	if err := f.table.Save(ctx, backend.FlowKey(state), &numbered); err != nil {
		// Nobody has the state: if it was stored after all, a later sweep removes it.
		f.table.Invalidate(backend.FlowKey(state))
		return providers.Secret{}, err
	}
	return state, nil
}

// makeRoom removes what is stale, and the oldest flows of an integration, or of an
// invitation, that has too many. It returns the number of the next one.
func (f *flows) makeRoom(ctx context.Context, begun *backend.Flow) (next int64, err error) {
	open, err := f.sweep(ctx)
	if err != nil {
		return 0, err
	}
	own := slices.DeleteFunc(open, func(k keyedFlow) bool { return k.Integration != begun.Integration })
	slices.SortFunc(own, func(a, b keyedFlow) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), a.ExpiresAt.Compare(b.ExpiresAt))
	})
	if len(own) > 0 {
		next = own[len(own)-1].Number
	}
	most := maxFlows
	if begun.InvitationKey != "" {
		most = maxInvited
	}
	own = slices.DeleteFunc(own, func(k keyedFlow) bool { return k.InvitationKey != begun.InvitationKey })
	for _, oldest := range own[:max(0, len(own)-most+1)] {
		if err := f.table.Remove(ctx, oldest.key); err != nil {
			return 0, err
		}
	}
	return next + 1, nil
}

// keyedFlow is a flow with its key.
type keyedFlow struct {
	key string
	*backend.Flow
}

// sweep removes stale flows and returns the others.
func (f *flows) sweep(ctx context.Context) ([]keyedFlow, error) {
	keys, err := f.table.List(ctx)
	if err != nil {
		return nil, err
	}
	var open []keyedFlow
	for _, key := range keys {
		flow, err := f.table.Load(ctx, key)
		switch {
		case errors.Is(err, store.ErrUndecodable): // nobody can finish it, and it would stand in the way for ever
			if err := f.table.Remove(ctx, key); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case flow == nil: // finished meanwhile
		case f.now().Before(flow.ExpiresAt):
			open = append(open, keyedFlow{key, flow})
		default:
			if err := f.table.Remove(ctx, key); err != nil {
				return nil, err
			}
		}
	}
	return open, nil
}

// find returns the open flow of a state, or a refusal.
func (f *flows) find(ctx context.Context, state providers.Secret) (*backend.Flow, error) {
	flow, err := f.table.LoadExact(ctx, backend.FlowKey(state))
	if err != nil {
		return nil, err
	}
	if flow == nil || !f.now().Before(flow.ExpiresAt) {
		return nil, stateInvalid()
	}
	return flow, nil
}

// take ends the flow of a state, which must be one of the integration as it is
// configured now. A flow that is taken cannot be taken again. The caller holds the
// lock of the integration's credential record.
func (f *flows) take(ctx context.Context, state providers.Secret, s *backend.Subject) (*backend.Flow, error) {
	flow, err := f.find(ctx, state)
	if err != nil {
		return nil, err
	}
	if flow.Integration != s.Integration.Name || flow.Binding != s.Binding() {
		return nil, stateInvalid()
	}
	return flow, f.table.Remove(ctx, backend.FlowKey(state))
}

// stateInvalid says the same of every state that cannot be used, so that it tells
// nobody which names exist.
func stateInvalid() *backend.Error {
	return &backend.Error{
		Code:    backend.CodeOAuthStateInvalid,
		Message: fmt.Sprintf("the state is unknown, used already, older than %d minutes, or of another integration or other settings; what came of one that was used is in history/<name>; to go on, begin again with a write to oauth/authorize/<name>", int(flowLife.Minutes())),
	}
}
