package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/bench"
)

// envBench makes TestBench run, as make bench does: full writes docs/performance.md,
// anything else is a short run that proves nothing but that it works.
const envBench = "SEI_BENCH"

// The clients that load one thing, and how many integrations the mounts small/ has.
const (
	benchClients = 4
	benchSmall   = 100
)

// effort is how much is measured.
type effort struct {
	// sizes are the numbers of integrations, of which middle is the one for lists, the
	// sweep and memory.
	sizes         []int
	middle        int
	rounds        int
	slice         time.Duration
	restarts      int
	upstreamDelay time.Duration
}

func effortOf(mode string) effort {
	if mode == "full" {
		return effort{sizes: []int{10, 100, 1000, 10_000, 100_000}, middle: 10_000, rounds: 15, slice: 300 * time.Millisecond, restarts: 7, upstreamDelay: 100 * time.Millisecond}
	}
	return effort{sizes: []int{10, 100, 1000}, middle: 100, rounds: 3, slice: 100 * time.Millisecond, restarts: 3, upstreamDelay: 100 * time.Millisecond}
}

func (e effort) largest() int { return e.sizes[len(e.sizes)-1] }

// What is promised of the engine's speed is measured beside Vault's own engines, in one
// run. It fails where something does not work, and reports what is slow.
func TestBench(t *testing.T) {
	mode := os.Getenv(envBench)
	if mode == "" {
		t.Skip("make bench runs it")
	}
	began := time.Now()
	b := newBenchmark(t, effortOf(mode))
	for _, size := range b.effort.sizes {
		b.grow(size)
		b.measureSize(size)
		if size == b.effort.middle {
			b.measureWrites(size)
			b.measureSweep(size)
		}
	}
	b.measureReads()
	b.measureStart()
	b.conclude(mode, time.Since(began))
}

// conclude prints what was promised, and writes the page if it was a full run.
func (b *benchmark) conclude(mode string, took time.Duration) {
	for _, target := range b.report.Targets {
		b.say("%s", target)
	}
	b.report.About = fmt.Sprintf("Measured on %s with Vault %s on Raft, %d CPUs, %d clients, %s in all.",
		time.Now().UTC().Format(time.DateOnly), b.vaultVersion(), runtime.NumCPU(), benchClients, took.Round(time.Second))
	page := filepath.Join("..", "docs", "performance.md")
	if mode != "full" {
		page = filepath.Join(b.t.TempDir(), "performance.md")
		text, err := os.ReadFile(filepath.Join("..", "docs", "performance.md"))
		require.NoError(b.t, err)
		require.NoError(b.t, os.WriteFile(page, text, 0o600))
	}
	require.NoError(b.t, b.report.WriteInto(page))
}

func (b *benchmark) vaultVersion() string {
	health, err := b.server.Client(b.t).Sys().HealthWithContext(b.t.Context())
	require.NoError(b.t, err)
	return health.Version
}

// say writes to the terminal at once; go test shows it as it comes with -v.
func (b *benchmark) say(format string, args ...any) {
	fmt.Printf("bench: "+format+"\n", args...)
}

// load gives works their turns.
func (b *benchmark) load(works ...bench.Work) map[string]*bench.Result {
	b.t.Helper()
	return b.loadFor(b.effort.rounds, b.effort.slice, works...)
}

// loadSlowly gives works that wait for the upstream turns in which they can do so often:
// many clients that begin at once all come back at once at first.
func (b *benchmark) loadSlowly(works ...bench.Work) map[string]*bench.Result {
	b.t.Helper()
	return b.loadFor((b.effort.rounds+2)/3, 20*b.effort.upstreamDelay, works...)
}

func (b *benchmark) loadFor(rounds int, slice time.Duration, works ...bench.Work) map[string]*bench.Result {
	b.t.Helper()
	plan := bench.Plan{Clients: benchClients, Rounds: rounds, Slice: slice, Spent: b.processorTime}
	results, err := plan.Load(b.t.Context(), works...)
	require.NoError(b.t, err)
	return results
}

// table adds the results of works to the report, in their order.
func (b *benchmark) table(title string, results map[string]*bench.Result, names ...string) {
	table := bench.Table{Title: title}
	for _, name := range names {
		table.Results = append(table.Results, results[name])
	}
	b.report.Tables = append(b.report.Tables, table)
	b.say("%s\n", table)
}

func (b *benchmark) atLeast(name string, limit, measured float64) {
	b.report.Targets = append(b.report.Targets, bench.Target{Name: name, Limit: limit, AtLeast: true, Measured: measured})
}

func (b *benchmark) atMost(name, unit string, limit, measured float64) {
	b.report.Targets = append(b.report.Targets, bench.Target{Name: name, Unit: unit, Limit: limit, Measured: measured})
}
