package notify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// mostTargets is how many a mount may have: each costs memory, a connection and a series of
// metrics.
const mostTargets = 100

// targets are those that are stored. They are few and all of them are kept in memory,
// once they were read.
type targets struct {
	view logical.Storage
	now  func() time.Time

	writing sync.Mutex
	mu      sync.Mutex
	known   map[string]*Target // nil before they were read
	// pending is set where a write was not answered: it may be carried out at any moment, so
	// nothing is kept until another one succeeds.
	pending bool
	changes uint64
}

// all returns the targets by name. The map is shared. One that cannot be decoded is nil.
func (s *targets) all(ctx context.Context) (map[string]*Target, error) {
	s.mu.Lock()
	known, since := s.known, s.changes
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	names, err := s.view.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("storage: listing: %w", err)
	}
	known = make(map[string]*Target, len(names))
	damaged := false
	for _, name := range names {
		t, err := s.fetch(ctx, name)
		switch {
		case errors.Is(err, store.ErrUndecodable):
			known[name], damaged = nil, true
		case err != nil:
			return nil, err
		case t != nil:
			known[name] = t
		}
	}
	if damaged {
		return known, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == since && !s.pending {
		s.known = known
	}
	return known, nil
}

func (s *targets) fetch(ctx context.Context, name string) (*Target, error) {
	entry, err := s.view.Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("storage: reading %q: %w", backend.NotifyPrefix+name, err)
	}
	if entry == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	t, err := decodeTarget(name, entry.Value)
	if err != nil {
		return nil, fmt.Errorf("storage: decoding %q: %w: %w", backend.NotifyPrefix+name, store.ErrUndecodable, err)
	}
	return t, nil
}

// one returns a target as it is stored, nil if there is none.
func (s *targets) one(ctx context.Context, name string) (*Target, error) {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known != nil {
		return known[name], nil
	}
	return s.fetch(ctx, name)
}

// list returns the names of all, sorted.
func (s *targets) list(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known != nil {
		return slices.Sorted(maps.Keys(known)), nil
	}
	names, err := s.view.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("storage: listing: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// write changes a target, or makes one, and returns it as it is stored. judge may refuse it.
func (s *targets) write(ctx context.Context, name, mount string, sent providers.Settings, judge func(before, after *Target) error) (*Target, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	before, err := s.one(ctx, name)
	if err != nil {
		return nil, err
	}
	after := &Target{Name: name, ID: newID()}
	if before != nil {
		copied := *before
		after = &copied
	} else if err := s.room(ctx); err != nil {
		return nil, err
	}
	after.Mount, after.Settings = mount, backend.Merge(after.Settings, sent)
	after.Since = s.since(before, after)
	if err := judge(before, after); err != nil {
		return nil, err
	}
	data, err := encodeTarget(after)
	if err != nil {
		return nil, err
	}
	after.sum = sha256.Sum256(data)
	return after, s.change(ctx, func(ctx context.Context) error {
		return s.view.Put(ctx, &logical.StorageEntry{Key: name, Value: data})
	})
}

// room refuses a target more than a mount may have.
func (s *targets) room(ctx context.Context) error {
	names, err := s.list(ctx)
	if err != nil {
		return err
	}
	if len(names) >= mostTargets {
		return refuse(backend.CodeInvalidField, "name", fmt.Sprintf("a mount has at most %d targets; delete one that is not needed", mostTargets))
	}
	return nil
}

// since is from when on each event of a swap is told: from when it was chosen, or from when
// the target began to be told of other integrations, whose old swaps are no news.
func (s *targets) since(before, after *Target) map[Event]time.Time {
	since := map[Event]time.Time{}
	for _, e := range swaps() {
		switch {
		case !after.wants(e):
		case before != nil && before.wants(e) && before.selects(after):
			since[e] = before.Since[e]
		default:
			since[e] = s.now().UTC()
		}
	}
	return since
}

// remove deletes a target; one that is not there is no error. What it was told goes with
// the next round.
func (s *targets) remove(ctx context.Context, name string) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.change(ctx, func(ctx context.Context) error { return s.view.Delete(ctx, name) })
}

// change carries out a write, which does not end with its request, and forgets what was
// read before.
func (s *targets) change(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	defer s.forget()
	err := do(ctx)
	s.mu.Lock()
	s.pending = err != nil && (s.pending || ctx.Err() != nil)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("storage: writing a target of notifications: %w", err)
	}
	return nil
}

// allAnswered reports whether every write was answered.
func (s *targets) allAnswered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.pending
}

// forget drops what was read: somebody changed it.
func (s *targets) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = nil
	s.changes++
}

// newID returns 128 random bits.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

// isTarget reports whether a storage key is that of a target.
func isTarget(key string) bool { return strings.HasPrefix(key, backend.NotifyPrefix) }
