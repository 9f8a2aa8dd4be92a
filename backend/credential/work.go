package credential

import (
	"errors"
	"sync"
	"time"
)

// work is what goes on after its request has gone: an answer that is not saved may be lost
// for good. The zero value is ready.
type work struct {
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

// begin counts something whose result close waits for. It fails once that was called.
func (w *work) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errors.New("the engine is shutting down")
	}
	w.running.Add(1)
	return nil
}

// done ends what begin has counted.
func (w *work) done() { w.running.Done() }

// close lets nothing begin and waits for what is under way, for a while.
func (w *work) close(wait time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		w.running.Wait()
		close(done)
	}()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
