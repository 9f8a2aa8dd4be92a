package sei

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

const (
	// pauseLimit is how long a node may stand still without another one leading meanwhile:
	// followers of Raft wait for at least a second before they look for a leader (Vault
	// multiplies HashiCorp Raft's HeartbeatTimeout of one second by performance_multiplier,
	// which is 1 or more).
	pauseLimit = time.Second
	// pauseTick is how often it is noted that this process runs.
	pauseTick = 100 * time.Millisecond
	// provePatience is for how long work that no request waits for tries to prove it.
	provePatience = 10 * time.Second
	// aliveKey is what the engine writes to prove that its node still leads.
	aliveKey = "alive"
)

// Pauses notices when this process did not run for a while: it was stopped, or its machine
// or container was, and another node may lead by now without this one knowing. It is safe
// for concurrent use.
type Pauses struct {
	mu   sync.Mutex
	last time.Time
	seen int
}

// WatchPauses begins to watch, for as long as the process lives.
func WatchPauses() *Pauses {
	p := &Pauses{last: time.Now()}
	go func() {
		for range time.Tick(pauseTick) {
			p.count(time.Now())
		}
	}()
	return p
}

// Factory is that of the package, for engines that prove after each pause that their node
// still leads before they answer.
func (p *Pauses) Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	b, err := Factory(ctx, conf)
	if e, ok := b.(*engine); ok {
		e.lead.pauses = func() int { return p.count(time.Now()) }
	}
	return b, err
}

// count notes that the process runs at now, and returns how many pauses there were so far.
func (p *Pauses) count(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.last) > pauseLimit {
		p.seen++
	}
	p.last = now
	return p.seen
}

// lead is whether the node may still believe that it leads.
type lead struct {
	storage logical.Storage
	pauses  func() int // nil where nobody watches
	proven  atomic.Int64
	one     chan struct{} // has one place: for whoever proves it
}

func newLead(storage logical.Storage) lead {
	return lead{storage: storage, one: make(chan struct{}, 1)}
}

// prove returns nil if there was no pause since it was last proven that this node leads, or if
// it can be proven now: Vault takes no write where another node leads. What the engine and
// Vault remember is old otherwise, and neither is asked for it.
func (l *lead) prove(ctx context.Context) error {
	if l.pauses == nil {
		return nil
	}
	if l.proven.Load() == int64(l.pauses()) {
		return nil
	}
	select {
	case l.one <- struct{}{}:
		defer func() { <-l.one }()
	case <-ctx.Done():
		return ctx.Err()
	}
	pauses := int64(l.pauses()) // before the write, which a pause may hold up
	if l.proven.Load() == pauses {
		return nil
	}
	if err := l.storage.Put(ctx, &logical.StorageEntry{Key: aliveKey, Value: []byte("{}")}); err != nil {
		return fmt.Errorf("this node stood still and may no longer be the active one; ask again: %w", err)
	}
	l.proven.Store(pauses)
	return nil
}

// leads reports whether this node writes and, after a pause, proves it.
func (e *engine) leads() bool {
	if !e.WriteSafeReplicationState() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), provePatience)
	defer cancel()
	return e.lead.prove(ctx) == nil
}

// mayAnswer refuses a request if this node may have been replaced while it stood still.
// Nodes that do not write promise no more than what they have.
func (e *engine) mayAnswer(ctx context.Context) error {
	if e.lead.pauses == nil || !e.WriteSafeReplicationState() {
		return nil
	}
	return e.lead.prove(ctx)
}
