package bench_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/bench"
)

// sleeper is a work that takes so long.
func sleeper(name string, d time.Duration) bench.Work {
	return bench.Work{Name: name, Do: func(context.Context, int) error {
		time.Sleep(d)
		return nil
	}}
}

func plan() bench.Plan {
	return bench.Plan{Clients: 2, Rounds: 5, Slice: 100 * time.Millisecond, Spent: func() time.Duration { return 0 }}
}

func TestSlowerWorkIsDoneLessOften(t *testing.T) {
	results, err := plan().Load(t.Context(), sleeper("quick", 10*time.Millisecond), sleeper("slow", 30*time.Millisecond))
	require.NoError(t, err)
	ratio := results["slow"].Over(results["quick"])
	assert.Greater(t, ratio, 0.15)
	assert.Less(t, ratio, 0.7, "it takes three times as long")
	assert.GreaterOrEqual(t, results["slow"].Quantile(0.5), 30*time.Millisecond)
	assert.GreaterOrEqual(t, results["slow"].Quantile(0.99), results["slow"].Quantile(0.5))
	assert.InDelta(t, results["slow"].Rate(), 2/results["slow"].Quantile(0.5).Seconds(), 30)
}

func TestEachRequestHasANumberOfItsOwn(t *testing.T) {
	seen := make(chan int, 1<<16)
	work := bench.Work{Name: "w", Clients: 3, Do: func(_ context.Context, n int) error {
		seen <- n
		time.Sleep(time.Millisecond)
		return nil
	}}
	_, err := plan().Load(t.Context(), work)
	require.NoError(t, err)
	close(seen)
	numbers := map[int]bool{}
	for n := range seen {
		require.False(t, numbers[n], "%d twice", n)
		numbers[n] = true
	}
	assert.Greater(t, len(numbers), 3*5)
}

func TestAWrongAnswerEndsTheMeasurement(t *testing.T) {
	var calls atomic.Int64
	work := bench.Work{Name: "broken", Do: func(context.Context, int) error {
		calls.Add(1)
		return errors.New("503")
	}}
	_, err := plan().Load(t.Context(), work)
	require.ErrorContains(t, err, "broken: 503")
	assert.LessOrEqual(t, calls.Load(), int64(2), "one for each client")
}

func TestProcessorTimeIsThatOfTheTurn(t *testing.T) {
	var spent atomic.Int64
	p := plan()
	p.Spent = func() time.Duration { return time.Duration(spent.Load()) }
	busy := bench.Work{Name: "busy", Do: func(context.Context, int) error {
		spent.Add(int64(7 * time.Millisecond))
		time.Sleep(time.Millisecond)
		return nil
	}}
	results, err := p.Load(t.Context(), busy, sleeper("idle", time.Millisecond))
	require.NoError(t, err)
	assert.Equal(t, 7*time.Millisecond, results["busy"].Spent())
	assert.Zero(t, results["idle"].Spent())
}
