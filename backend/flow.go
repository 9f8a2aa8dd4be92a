package backend

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers"
)

const (
	// flowLife is how long a person has to consent.
	flowLife = 10 * time.Minute
	// maxFlows bounds the open flows of an integration; the oldest makes room.
	maxFlows = 100
)

// Flow is an authorization that was begun and not finished. It is stored under the
// hash of its state, so that who reads storage keys cannot finish it, and lives in
// storage alone, so that the leader may change. Values are immutable.
type Flow struct {
	Integration string `json:"integration"`
	// Binding stands for the settings the flow was begun with; see Integration.binding.
	Binding   string           `json:"binding"`
	Verifier  providers.Secret `json:"-"` // see flowJSON
	ExpiresAt time.Time        `json:"expires_at"`
	// Number counts the flows of an integration that are open together, so that of two
	// that were begun at the same moment the older one is known; 0 in older versions'.
	Number int64 `json:"number,omitempty"`
	// Actor is who began it: whoever comes back with a browser has no token.
	Actor
	unknown unknown
}

// flows are the open flows of a mount. They are safe for concurrent use.
type flows struct {
	table *table[Flow]
	locks *locks
	now   func() time.Time
}

// open begins a flow and returns its state.
func (f *flows) open(ctx context.Context, flow *Flow) (providers.Secret, error) {
	release, err := f.locks.acquire(ctx, flowsPrefix+flow.Integration) // no integration has this name
	if err != nil {
		return providers.Secret{}, err
	}
	defer release()
	numbered := *flow
	if numbered.Number, err = f.makeRoom(ctx, flow.Integration); err != nil {
		return providers.Secret{}, err
	}
	state := randomSecret()
	if err := f.table.save(ctx, flowKey(state), &numbered); err != nil {
		// Nobody has the state: if it was stored after all, a later sweep removes it.
		f.table.invalidate(flowKey(state))
		return providers.Secret{}, err
	}
	return state, nil
}

// makeRoom removes what is stale, and the oldest flows of an integration that has
// too many. It returns the number of the next one.
func (f *flows) makeRoom(ctx context.Context, name string) (next int64, err error) {
	open, err := f.sweep(ctx)
	if err != nil {
		return 0, err
	}
	own := slices.DeleteFunc(open, func(k keyedFlow) bool { return k.Integration != name })
	slices.SortFunc(own, func(a, b keyedFlow) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), a.ExpiresAt.Compare(b.ExpiresAt))
	})
	if len(own) > 0 {
		next = own[len(own)-1].Number
	}
	for _, oldest := range own[:max(0, len(own)-maxFlows+1)] {
		if err := f.table.remove(ctx, oldest.key); err != nil {
			return 0, err
		}
	}
	return next + 1, nil
}

// keyedFlow is a flow with its key.
type keyedFlow struct {
	key string
	*Flow
}

// sweep removes stale flows and returns the others.
func (f *flows) sweep(ctx context.Context) ([]keyedFlow, error) {
	keys, err := f.table.list(ctx)
	if err != nil {
		return nil, err
	}
	var open []keyedFlow
	for _, key := range keys {
		flow, err := f.table.load(ctx, key)
		switch {
		case errors.Is(err, errUndecodable): // nobody can finish it, and it would stand in the way for ever
			if err := f.table.remove(ctx, key); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case flow == nil: // finished meanwhile
		case f.now().Before(flow.ExpiresAt):
			open = append(open, keyedFlow{key, flow})
		default:
			if err := f.table.remove(ctx, key); err != nil {
				return nil, err
			}
		}
	}
	return open, nil
}

// find returns the open flow of a state, or a refusal.
func (f *flows) find(ctx context.Context, state providers.Secret) (*Flow, error) {
	flow, err := f.table.loadExact(ctx, flowKey(state))
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
func (f *flows) take(ctx context.Context, state providers.Secret, s *Subject) (*Flow, error) {
	flow, err := f.find(ctx, state)
	if err != nil {
		return nil, err
	}
	if flow.Integration != s.Integration.Name || flow.Binding != s.binding() {
		return nil, stateInvalid()
	}
	return flow, f.table.remove(ctx, flowKey(state))
}

// stateInvalid says the same of every state that cannot be used, so that it tells
// nobody which names exist.
func stateInvalid() *Error {
	return &Error{
		Code:    CodeOAuthStateInvalid,
		Message: fmt.Sprintf("the state is unknown, used already, older than %d minutes, or of another integration or other settings; what came of one that was used is in history/<name>; to go on, begin again with a write to oauth/authorize/<name>", int(flowLife.Minutes())),
	}
}

// flowKey is the key of a flow: the hash of its state.
func flowKey(state providers.Secret) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(state.Reveal())))
}

// randomBytes are the bytes of a state and of a verifier: 256 bits, which makes 43
// characters, the fewest that a verifier may have (RFC 7636, section 4.1).
const randomBytes = 32

// randomSecret returns text that nobody can guess.
func randomSecret() providers.Secret {
	random := make([]byte, randomBytes)
	_, _ = rand.Read(random) // never fails
	return providers.NewSecret(base64.RawURLEncoding.EncodeToString(random))
}

// flowJSON is Flow as it is stored.
type flowJSON struct {
	*Flow
	Verifier string `json:"verifier"`
}

func encodeFlow(f *Flow) ([]byte, error) {
	return f.unknown.encode(flowJSON{Flow: f, Verifier: f.Verifier.Reveal()})
}

func decodeFlow(_ string, data []byte) (_ *Flow, err error) {
	wire := flowJSON{Flow: &Flow{}}
	if wire.unknown, err = decodeKnown(data, &wire); err != nil {
		return nil, errors.New("not an open authorization") // the decoder's message can quote what it read
	}
	wire.Flow.Verifier = providers.NewSecret(wire.Verifier)
	return wire.Flow, nil
}
