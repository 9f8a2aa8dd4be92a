package sei

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// sweepPatience is how long the end of the engine waits for checks under way. They are
// given up at once; it is for what they must not leave half-done.
const sweepPatience = 10 * time.Second

// sweeping is the goroutine that checks credentials while nobody asks. The zero value
// has none.
type sweeping struct {
	mu   sync.Mutex
	stop context.CancelFunc
	done chan struct{}
}

// initialize is called by Vault once the mount can be used.
func (e *engine) initialize(context.Context, *logical.InitializationRequest) error {
	sweep := e.store.Watch.Sweep()
	//nolint:contextcheck // it outlives the request
	e.sweep.begin(func(ctx context.Context) { sweep.Run(ctx, e.WriteSafeReplicationState) })
	return nil
}

// begin runs fn until end is called; a second one is not begun.
func (s *sweeping) begin(fn func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop, s.done = stop, done
	go func() {
		defer close(done)
		fn(ctx)
	}()
}

// end stops it and waits a moment.
func (s *sweeping) end() {
	s.mu.Lock()
	stop, done := s.stop, s.done
	s.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	timer := time.NewTimer(sweepPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
