package mounted_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A read that storage never answers ends, and is not taken for the end of the request
// that it was made for; that is still told as what it is.
func TestAReadThatStorageNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storage{}
		w := newWorld(store)
		store.reset(func(int, string) fault { return hangs })
		for name, read := range map[string]func(context.Context) error{
			"Get":  func(ctx context.Context) error { return of(w.Integrations.Read(ctx, "a")) },
			"List": func(ctx context.Context) error { return of(w.Integrations.List(ctx)) },
		} {
			began := time.Now()
			err := read(t.Context())
			require.ErrorContains(t, err, "storage did not answer within 30 seconds", name)
			assert.NotErrorIs(t, err, context.DeadlineExceeded, name)
			assert.Equal(t, 30*time.Second, time.Since(began), name)
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, read(short), context.DeadlineExceeded, name)
			cancel()
		}
	})
}

// remote is a storage as a plugin in a process of its own sees it: the end of a context
// comes back in words alone.
type remote struct{ logical.Storage }

func (r remote) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if ctx.Err() != nil {
		return nil, errors.New("rpc error: code = Canceled desc = " + ctx.Err().Error())
	}
	return r.Storage.Get(ctx, key)
}

func (r remote) List(ctx context.Context, prefix string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, errors.New("rpc error: code = Canceled desc = " + ctx.Err().Error())
	}
	return r.Storage.List(ctx, prefix)
}

// The end of a request is told as what it is, whatever words it comes back in.
func TestTheEndOfARequestThroughAPluginProcess(t *testing.T) {
	w := newWorld(remote{&logical.InmemStorage{}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-late.Done()
	for name, read := range map[string]func(context.Context) error{
		"Get":  func(ctx context.Context) error { return of(w.Integrations.Read(ctx, "a")) },
		"List": func(ctx context.Context) error { return of(w.Integrations.List(ctx)) },
		"Step": func(ctx context.Context) error { return w.Sweeper.Sweep().Step(ctx) },
	} {
		require.ErrorIs(t, read(ended), context.Canceled, name)
		require.ErrorIs(t, read(late), context.DeadlineExceeded, name)
	}
}
