package sei

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// sweepPatience is how long the engine waits for running checks when it stops. They are
// cancelled at once; the wait is for writes that must not be left half-done.
const sweepPatience = 10 * time.Second

// sweeping is a goroutine that works without a request: the one that checks credentials, or
// the one that tells targets. The zero value has none.
type sweeping struct {
	mu      sync.Mutex
	cancel  context.CancelFunc
	done    chan struct{}
	stopped bool
}

// initialize is called by Vault once the mount can be used.
func (e *engine) initialize(context.Context, *logical.InitializationRequest) error {
	sweep := e.store.Sweeper.Sweep()
	//nolint:contextcheck // it outlives the request
	e.sweep.start(func(ctx context.Context) { sweep.Run(ctx, e.leads) })
	//nolint:contextcheck // it outlives the request
	e.telling.start(func(ctx context.Context) { e.store.Notifier.Run(ctx, e.leads) })
	return nil
}

// start runs fn until stop is called; a second call does nothing, nor one after stop, since
// nobody would end what it began.
func (s *sweeping) start(fn func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil || s.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.cancel, s.done = cancel, done
	go func() {
		defer close(done)
		fn(ctx)
	}()
}

// stop cancels the goroutine and waits a moment for it.
func (s *sweeping) stop() {
	s.mu.Lock()
	s.stopped = true
	cancel, done := s.cancel, s.done
	s.mu.Unlock()
	if cancel == nil {
		return
	}
	cancel()
	timer := time.NewTimer(sweepPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
