package mounted_test

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
	// wrote is called with what was put.
	wrote func(*logical.StorageEntry)
	// endless are the calls that hung and that nothing would have ended.
	endless []string
}

// fault is what becomes of a storage call.
type fault int

const (
	works       fault = iota
	fails             // an error, nothing done
	failsBehind       // done, and an error all the same
	hangs             // no answer until the context ends, nothing done
)

func (f fault) String() string {
	return [...]string{"works", "fails", "fails behind", "hangs"}[f]
}

// note counts a call and says what becomes of it, after a while if it hangs.
func (s *storage) note(ctx context.Context, call string) (fault, error) {
	f := s.chosen(call)
	if f != hangs {
		return f, errDisk
	}
	if _, ends := ctx.Deadline(); !ends {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endless = append(s.endless, call)
		return f, errDisk
	}
	<-ctx.Done()
	return f, ctx.Err()
}

func (s *storage) chosen(call string) fault {
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
	if f, fault := s.note(ctx, "Get "+key); f != works {
		return nil, fault
	}
	return found, err
}

func (s *storage) Put(ctx context.Context, e *logical.StorageEntry) error {
	return s.change(ctx, "Put "+e.Key, func(ctx context.Context) error {
		if s.wrote != nil {
			s.wrote(e)
		}
		return s.InmemStorage.Put(ctx, e)
	})
}

func (s *storage) Delete(ctx context.Context, key string) error {
	return s.change(ctx, "Delete "+key, func(ctx context.Context) error { return s.InmemStorage.Delete(ctx, key) })
}

func (s *storage) List(ctx context.Context, prefix string) ([]string, error) {
	if f, fault := s.note(ctx, "List "+prefix); f != works {
		return nil, fault
	}
	return s.InmemStorage.List(ctx, prefix)
}

func (s *storage) change(ctx context.Context, call string, do func(context.Context) error) error {
	f, fault := s.note(ctx, call)
	if f == works || f == failsBehind {
		if err := do(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	if f == works {
		return nil
	}
	return fault
}

func entryOf(key, value string) *logical.StorageEntry {
	return &logical.StorageEntry{Key: key, Value: []byte(value)}
}
