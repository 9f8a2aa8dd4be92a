package store

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLocksExclude(t *testing.T) {
	var l Locks
	var wg sync.WaitGroup
	counter := 0 // the race detector watches it
	for i := range 50 {
		wg.Go(func() {
			names := []string{"a", "b"}
			if i%2 == 0 {
				names = []string{"b", "a", "b"} // another order, and one twice
			}
			release, err := l.Acquire(context.Background(), names...)
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
	var l Locks
	release, err := l.Acquire(t.Context(), "b")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = l.Acquire(ctx, "a", "b")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	free, err := l.Acquire(t.Context(), "a")
	require.NoError(t, err, "a was let go")
	free()
	release()
	assert.Empty(t, l.byName)

	_, err = l.Acquire(ctx, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded, "a context that ended gets nothing, free or not")
}

// queue is one for one lock in a bubble, and who got it so far.
type queue struct {
	Locks
	got []string
	mu  sync.Mutex
}

// joins has somebody wait for the lock and, once it is held, do nothing for a second.
func (q *queue) joins(ctx context.Context, who string, as Turn) {
	go func() {
		release, err := q.Take(ctx, as, "a")
		note := who
		if err != nil {
			note += ": " + err.Error()
		}
		q.mu.Lock()
		q.got = append(q.got, note)
		q.mu.Unlock()
		if err == nil {
			time.Sleep(time.Second)
			release()
		}
	}()
	synctest.Wait()
}

func TestLocksServeInOrderAndBrakesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		ctx := t.Context()
		for _, who := range []string{"holder", "one", "two"} {
			q.joins(ctx, who, Turn{Bounded: true})
		}
		gone, leave := context.WithCancel(ctx)
		q.joins(gone, "gone", Turn{Bounded: true})
		q.joins(ctx, "own", Turn{})
		q.joins(ctx, "brake", Turn{First: true})
		q.joins(gone, "gone brake", Turn{First: true})
		q.joins(ctx, "second brake", Turn{First: true})
		q.joins(ctx, "three", Turn{Bounded: true})
		leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"holder", "gone brake: context canceled", "gone: context canceled"}, sortedFrom(q.got[:3], 1))
		assert.Equal(t, []string{"brake", "second brake", "one", "two", "own", "three"}, q.got[3:])
		assert.Empty(t, q.byName)
	})
}

// sortedFrom sorts the tail, whose order is not decided.
func sortedFrom(list []string, n int) []string {
	slices.Sort(list[n:])
	return list
}

func TestLocksBoundWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		release, err := q.Acquire(t.Context(), "a")
		require.NoError(t, err)
		gone, leave := context.WithCancel(t.Context())
		q.joins(gone, "gone", Turn{Bounded: true})
		for range MaxWaiting - 1 {
			q.joins(t.Context(), "waits", Turn{Bounded: true})
		}
		q.joins(t.Context(), "one too many", Turn{Bounded: true})
		assert.Equal(t, []string{"one too many: " + ErrCrowded.Error()}, q.got)
		q.joins(t.Context(), "own", Turn{})
		leave()
		synctest.Wait()
		q.joins(t.Context(), "in the place of who gave up", Turn{Bounded: true})
		assert.Len(t, q.got, 2, "it waits")
		other, err := q.Take(t.Context(), Turn{Bounded: true}, "b")
		require.NoError(t, err, "each lock has its own queue")
		other()
		release()
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Len(t, q.got, MaxWaiting+3)
		assert.Equal(t, []string{"own", "in the place of who gave up"}, q.got[len(q.got)-2:])
		assert.Empty(t, q.byName)
	})
}

func TestABrakeEndsWhatCanBeCutOff(t *testing.T) {
	for name, cut := range map[string]bool{"a check": true, "an exchange of a code": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l Locks
				begun := time.Now()
				ctx, interrupt := context.WithCancelCause(t.Context())
				as := Turn{Bounded: true}
				if cut {
					as.Interrupt = interrupt
				}
				release, err := l.Take(ctx, as, "a")
				require.NoError(t, err)
				go func() {
					select {
					case <-ctx.Done():
					case <-time.After(time.Minute):
					}
					release()
				}()
				var q sync.WaitGroup
				for range 3 {
					q.Go(func() {
						free, err := l.Take(t.Context(), Turn{First: true}, "a", "b")
						if assert.NoError(t, err) {
							free()
						}
					})
				}
				q.Wait()
				if cut {
					assert.Equal(t, brakePatience, time.Since(begun))
					assert.ErrorIs(t, context.Cause(ctx), ErrOvertaken)
				} else {
					assert.Equal(t, time.Minute, time.Since(begun))
				}
				interrupt(nil)
			})
		})
	}
}

func TestTheLastTurnsAwayWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queue
		for _, who := range []string{"holder", "one", "two"} {
			q.joins(t.Context(), who, Turn{Bounded: true})
		}
		q.joins(t.Context(), "own", Turn{})
		q.joins(t.Context(), "last", Turn{First: true, Last: true})
		q.joins(t.Context(), "later", Turn{Bounded: true})
		time.Sleep(time.Minute)
		synctest.Wait()
		away := ": " + ErrOvertaken.Error()
		assert.Equal(t, []string{"one" + away, "two" + away}, sortedFrom(q.got[1:3], 0))
		assert.Equal(t, []string{"last", "own", "later"}, q.got[3:])
		assert.Empty(t, q.byName)
	})
}
