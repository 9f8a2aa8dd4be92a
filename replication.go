package sei

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// systemLife is for how long an answer of Vault about this node is believed.
const systemLife = time.Second

// system is Vault's view of itself, asked once a second at most whether this node may
// write. The framework asks for each request, a read of creds/ may ask again, and each
// question is a call to Vault's process: more than all else of a read. Only a yes is
// remembered, and storage refuses what is written after it has ceased to be true.
type system struct {
	logical.SystemView
	now        func() time.Time
	state      atomic.Uint32
	stateAt    atomic.Int64 // in nanoseconds; 0 where there is none
	mountLocal atomic.Bool
	localAt    atomic.Int64
}

// Setup is the framework's, with that view.
func (e *engine) Setup(ctx context.Context, conf *logical.BackendConfig) error {
	if conf == nil || conf.System == nil {
		return e.Backend.Setup(ctx, conf)
	}
	own := *conf
	own.System = &system{SystemView: conf.System, now: e.now}
	return e.Backend.Setup(ctx, &own)
}

// ReplicationState is Vault's.
func (s *system) ReplicationState() consts.ReplicationState {
	if s.fresh(&s.stateAt) {
		return consts.ReplicationState(s.state.Load())
	}
	state := s.SystemView.ReplicationState()
	if !state.HasState(consts.ReplicationPerformanceSecondary | consts.ReplicationDRSecondary | consts.ReplicationPerformanceStandby) {
		s.state.Store(uint32(state))
		s.stateAt.Store(s.now().UnixNano())
	}
	return state
}

// LocalMount is Vault's.
func (s *system) LocalMount() bool {
	if s.fresh(&s.localAt) {
		return s.mountLocal.Load()
	}
	local := s.SystemView.LocalMount()
	s.mountLocal.Store(local)
	s.localAt.Store(s.now().UnixNano())
	return local
}

func (s *system) fresh(at *atomic.Int64) bool {
	age := s.now().UnixNano() - at.Load()
	return 0 <= age && age < int64(systemLife)
}
