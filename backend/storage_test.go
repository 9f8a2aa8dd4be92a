package backend_test

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

var errDisk = errors.New("no space left on device")

// storage counts calls, fails those a test chooses, and can hold one back.
type storage struct {
	logical.InmemStorage
	mu    sync.Mutex
	calls []string // "Put credentials/x", in order
	fail  func(n int, call string) fault
	hold  func(call string)
}

// fault is what becomes of a storage call.
type fault int

const (
	works       fault = iota
	fails             // an error, nothing done
	failsBehind       // done, and an error all the same
)

func (s *storage) note(call string) fault {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	n, fail, hold := len(s.calls), s.fail, s.hold
	s.mu.Unlock()
	if hold != nil {
		hold(call)
	}
	if fail == nil {
		return works
	}
	return fail(n, call)
}

// reset forgets the calls so far and chooses which fail from now on.
func (s *storage) reset(fail func(n int, call string) fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.fail = nil, fail
}

func (s *storage) made() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

func (s *storage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	found, err := s.InmemStorage.Get(ctx, key)
	if f := s.note("Get " + key); f != works {
		return nil, errDisk
	}
	return found, err
}

func (s *storage) Put(ctx context.Context, e *logical.StorageEntry) error {
	return s.change("Put "+e.Key, func() error { return s.InmemStorage.Put(context.WithoutCancel(ctx), e) })
}

func (s *storage) Delete(ctx context.Context, key string) error {
	return s.change("Delete "+key, func() error { return s.InmemStorage.Delete(context.WithoutCancel(ctx), key) })
}

func (s *storage) List(ctx context.Context, prefix string) ([]string, error) {
	if f := s.note("List " + prefix); f != works {
		return nil, errDisk
	}
	return s.InmemStorage.List(ctx, prefix)
}

func (s *storage) change(call string, do func() error) error {
	switch s.note(call) {
	case fails:
		return errDisk
	case failsBehind:
		if err := do(); err != nil {
			return err
		}
		return errDisk
	default:
		return do()
	}
}

func entryOf(key, value string) *logical.StorageEntry {
	return &logical.StorageEntry{Key: key, Value: []byte(value)}
}
