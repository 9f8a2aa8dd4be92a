package backend_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

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
