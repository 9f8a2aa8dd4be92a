package backend

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocksExclude(t *testing.T) {
	var l locks
	var wg sync.WaitGroup
	counter := 0 // the race detector watches it
	for i := range 50 {
		wg.Go(func() {
			names := []string{"a", "b"}
			if i%2 == 0 {
				names = []string{"b", "a", "b"} // another order, and one twice
			}
			release, err := l.acquire(context.Background(), names...)
			if assert.NoError(t, err) {
				counter++
				release()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 50, counter)
	assert.Empty(t, l.byName, "an idle lock takes no memory")
}

func TestLocksGiveUpWithTheContextAndHoldNothing(t *testing.T) {
	var l locks
	release, err := l.acquire(t.Context(), "b")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = l.acquire(ctx, "a", "b")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	free, err := l.acquire(t.Context(), "a")
	require.NoError(t, err, "a was let go")
	free()
	release()
	assert.Empty(t, l.byName)

	_, err = l.acquire(ctx, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded, "a context that ended gets nothing, free or not")
}
