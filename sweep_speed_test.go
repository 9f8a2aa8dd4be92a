package sei

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkSweep is what a sweep of 10,000 integrations costs with no target of notifications:
// each is checked once. To compare with another commit, copy this file into a worktree of it,
// and run in both in turns:
//
//	go test -run '^$' -bench '^BenchmarkSweep$' -benchtime 4x .
//
// Before there were targets the sweep was f.store.Watch.Sweep(), and newFleet had no ahead.
func BenchmarkSweep(b *testing.B) {
	f := newFleet(b, 10_000)
	sweep := f.store.Sweeper.Sweep()
	require.NoError(b, sweep.Step(b.Context()))
	sweep.Wait()
	used := func() time.Duration {
		var r syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	b.ReportAllocs()
	begun := used()
	for b.Loop() {
		f.ahead += 3 * time.Hour // more than the interval of the checks, so all are due
		require.NoError(b, sweep.Step(b.Context()))
		sweep.Wait()
	}
	b.ReportMetric(float64((used()-begun).Milliseconds())/float64(b.N), "cpu-ms/op")
}
