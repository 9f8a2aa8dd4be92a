package bench_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/bench"
)

// The names of what is loaded, as the tables have them.
const (
	workNothing     = "external plugin that does nothing"
	workStored      = "external plugin, one read of storage"
	workPut         = "external plugin, one Put"
	workCreds       = "creds/"
	workCredsSmall  = "creds/, of 100 integrations"
	workPool        = "creds/ of a pool"
	workOAuth       = "creds/ of OAuth"
	workKV1         = "KV v1 read"
	workKV2         = "KV v2 read"
	workKV1List     = "KV v1 list"
	workList        = "integrations/ list"
	workStatus      = "status"
	workHealth      = "health/ list"
	workNames       = "external plugin, the same names"
	workFloorHealth = "external plugin, the same answer as health/"
	workKV2Write    = "KV v2 write"
	workReauth      = "reauth/"
	workSlow        = "reauth/, slow upstream"
	workSlowOne     = "reauth/, slow upstream, 1 client"
	workSlowMany    = "reauth/, slow upstream, 64 clients"
)

// manyClients re-authenticate at once.
const manyClients = 64

func (b *benchmark) read(name, path string) bench.Work {
	return bench.Work{Name: name, Do: func(ctx context.Context, _ int) error { return b.vault.Read(ctx, path) }}
}

func (b *benchmark) list(name, path string) bench.Work {
	return bench.Work{Name: name, Do: func(ctx context.Context, _ int) error { return b.vault.List(ctx, path) }}
}

// creds reads credentials of single tokens in a mount of so many integrations.
func (b *benchmark) creds(name, mount string, of int) bench.Work {
	return bench.Work{Name: name, Do: func(ctx context.Context, n int) error {
		return b.vault.Read(ctx, mount+"/creds/"+nameOf(plain(n, of)))
	}}
}

// some reads the credentials of count integrations from first on.
func (b *benchmark) some(name string, first, count int) bench.Work {
	return bench.Work{Name: name, Do: func(ctx context.Context, n int) error {
		return b.vault.Read(ctx, "sei/creds/"+nameOf(first+n%count))
	}}
}

// growth is what is measured at each size.
type growth struct{ creds, nothing, keys, list, status, health, memory, first []bench.Point }

// measureSize measures what may depend on how many integrations there are.
func (b *benchmark) measureSize(size int) {
	at := func(points *[]bench.Point, value float64) {
		*points = append(*points, bench.Point{Count: size, Value: value})
	}
	p50 := func(r *bench.Result) float64 { return r.Quantile(0.5).Seconds() * 1000 }
	b.reload("sei")
	began := time.Now()
	b.require(b.vault.List(b.t.Context(), "sei/health")) // reads all of them
	at(&b.growth.first, time.Since(began).Seconds())
	at(&b.growth.memory, float64(b.memory())/(1<<20))

	b.sameSize("kv1", "sei/integrations", fmt.Sprintf("floor/names/%d", size))
	b.sameSize("sei/health", fmt.Sprintf("floor/health/%d", size))
	b.sameShape(size)
	reads := b.load(b.read(workNothing, "floor/nothing"), b.creds(workCreds, "sei", size))
	at(&b.growth.nothing, p50(reads[workNothing]))
	at(&b.growth.creds, p50(reads[workCreds]))

	works := []bench.Work{
		b.list(workKV1List, "kv1"), b.list(workList, "sei/integrations"), b.read(workStatus, "sei/status"), b.list(workHealth, "sei/health"),
		b.list(workNames, fmt.Sprintf("floor/names/%d", size)), b.list(workFloorHealth, fmt.Sprintf("floor/health/%d", size)),
	}
	lists := b.load(works...)
	at(&b.growth.keys, p50(lists[workKV1List]))
	at(&b.growth.list, p50(lists[workList]))
	at(&b.growth.status, p50(lists[workStatus]))
	at(&b.growth.health, p50(lists[workHealth]))
	if size == b.effort.middle {
		b.table(fmt.Sprintf("Lists of %d:", size), lists, workKV1List, workList, workStatus, workHealth, workNames, workFloorHealth)
		for _, name := range []string{workList, workStatus, workHealth} {
			b.atMost(fmt.Sprintf("%s at %d, times a KV v1 list of as many names", name, size), "", 1.5, lists[workKV1List].Over(lists[name]))
		}
		b.atMost(fmt.Sprintf("memory of the plugin with %d integrations", size), "MB", 150, b.growth.memory[len(b.growth.memory)-1].Value)
	}
	b.say("%d: creds/ p50 %.2f ms, lists p50 in ms: KV v1 %.2f, integrations/ %.2f, status %.2f, health/ %.2f; plugin %.0f MB; first look at all after a start %.2f s", size,
		p50(reads[workCreds]), p50(lists[workKV1List]), p50(lists[workList]), p50(lists[workStatus]), p50(lists[workHealth]), b.growth.memory[len(b.growth.memory)-1].Value, b.growth.first[len(b.growth.first)-1].Value)
}

// sameShape demands that the floor's answer is as large as one of creds/, but for the
// numbers in it.
func (b *benchmark) sameShape(of int) {
	b.t.Helper()
	nothing, err := b.vault.ReadSize(b.t.Context(), "floor/nothing")
	b.require(err)
	creds, err := b.vault.ReadSize(b.t.Context(), "sei/creds/"+nameOf(plain(1, of)))
	b.require(err)
	require.InDelta(b.t, creds, nothing, 20)
}

// sameSize demands that lists which are compared have answers of one size.
func (b *benchmark) sameSize(paths ...string) {
	b.t.Helper()
	first, err := b.vault.ListSize(b.t.Context(), paths[0])
	b.require(err)
	for _, path := range paths[1:] {
		size, err := b.vault.ListSize(b.t.Context(), path)
		b.require(err)
		require.InDelta(b.t, first, size, 200, "%s and %s", paths[0], path)
	}
}

// measureReads compares reads, with the most integrations that there are.
func (b *benchmark) measureReads() {
	size := b.effort.largest()
	results := b.load(
		b.read(workNothing, "floor/nothing"), b.read(workStored, "floor/stored"),
		b.creds(workCreds, "sei", size), b.creds(workCredsSmall, "small", benchSmall),
		b.some(workOAuth, 0, oauthCount), b.some(workPool, oauthCount, poolCount),
		bench.Work{Name: workKV1, Do: func(ctx context.Context, n int) error { return b.vault.Read(ctx, "kv1/"+nameOf(plain(n, size))) }},
		bench.Work{Name: workKV2, Do: func(ctx context.Context, n int) error {
			return b.vault.Read(ctx, "kv2/data/"+nameOf(plain(n, min(size, versioned))))
		}},
	)
	b.table(fmt.Sprintf("Reads, with %d integrations:", size), results, workNothing, workCreds, workCredsSmall, workPool, workOAuth, workStored, workKV1, workKV2)
	floor := results[workNothing]
	b.atLeast("creds/ at 100 integrations, of a plugin that does nothing", 0.95, results[workCredsSmall].Over(floor))
	for _, name := range []string{workCreds, workPool, workOAuth} {
		b.atLeast(fmt.Sprintf("%s at %d integrations, of a plugin that does nothing", name, size), 0.95, results[name].Over(floor))
	}
	memory := b.growth.memory
	first := slices.IndexFunc(memory, func(p bench.Point) bool { return p.Count == b.effort.middle })
	last := memory[len(memory)-1]
	b.atMost(fmt.Sprintf("memory for each integration from %d to %d", memory[first].Count, last.Count), "KB", 8,
		(last.Value-memory[first].Value)*1024/float64(last.Count-memory[first].Count))
}

// reauth re-authenticates one integration after the other, so many clients at a time.
func (b *benchmark) reauth(name string, of, clients int) bench.Work {
	return bench.Work{Name: name, Clients: clients, Do: func(ctx context.Context, n int) error {
		i := plain(n, of)
		return b.vault.WriteFields(ctx, "sei/reauth/"+nameOf(i), credential(i, n))
	}}
}

func (b *benchmark) kv2Write(of int) bench.Work {
	return bench.Work{Name: workKV2Write, Do: func(ctx context.Context, n int) error {
		return b.vault.WriteFields(ctx, "kv2/data/"+nameOf(plain(n, min(of, versioned))), kv2Value(n))
	}}
}

// measureWrites compares writes, with an upstream that answers at once and with one that
// takes its time.
func (b *benchmark) measureWrites(size int) {
	put := bench.Work{Name: workPut, Do: func(ctx context.Context, _ int) error { return b.vault.Write(ctx, "floor/put", nil) }}
	quick := b.load(b.kv2Write(size), b.reauth(workReauth, size, 0), put)
	b.table("Writes, with an upstream that answers at once:", quick, workKV2Write, workReauth, workPut)
	b.atLeast("reauth/, of a KV v2 write", 2, quick[workReauth].Over(quick[workKV2Write]))

	b.upstream.SetDelay(b.effort.upstreamDelay)
	defer b.upstream.SetDelay(0)
	slow := b.loadSlowly(b.kv2Write(size), b.reauth(workSlow, size, 0), b.reauth(workSlowOne, size, 1), b.reauth(workSlowMany, size, manyClients))
	b.table(fmt.Sprintf("Writes, with an upstream that takes %s:", b.effort.upstreamDelay), slow, workKV2Write, workSlow, workSlowOne, workSlowMany)
	over := slow[workSlow].Quantile(0.5) - b.effort.upstreamDelay - slow[workKV2Write].Quantile(0.5)
	b.atMost("reauth/ with an upstream of 100 ms, p50 above 100 ms and a KV v2 write", "ms", 3, over.Seconds()*1000)
	b.atLeast("64 re-authentications at once, of 64 times one", 0.9, slow[workSlowMany].Over(slow[workSlowOne])/manyClients)
}

const (
	// checksAtOnce is how many checks the sweep may have under way.
	checksAtOnce = 64
	// sweepLimit bounds the wait for it.
	sweepLimit = 2 * time.Minute
)

// measureSweep makes all integrations due at once and waits until the upstream was asked
// about each, while workers read.
func (b *benchmark) measureSweep(size int) {
	idle := b.credsMedian(size)
	b.upstream.SetDelay(b.effort.upstreamDelay)
	b.upstream.Count()
	b.write("sei/config", map[string]any{"health_check_interval": 5, "max_concurrent_checks": checksAtOnce})
	b.awaitChecks(1)
	began := time.Now().Add(-b.effort.upstreamDelay) // it is counted when it is answered
	asked := make(chan time.Duration, 1)
	go func() {
		b.awaitChecks(size - oauthCount - poolCount + poolCount*poolTokens)
		asked <- time.Since(began)
	}()
	busy := b.credsMedian(size)
	took := <-asked
	b.write("sei/config", map[string]any{"health_check_interval": 0})
	b.upstream.SetDelay(0)
	require.Less(b.t, took, sweepLimit, "the sweep came to no end")
	idle = (idle + b.credsMedian(size)) / 2
	ideal := time.Duration(size) * b.effort.upstreamDelay / checksAtOnce
	b.atMost(fmt.Sprintf("sweep of %d with %d at once, times the ideal %s", size, checksAtOnce, ideal.Round(100*time.Millisecond)), "", 1.2, took.Seconds()/ideal.Seconds())
	b.atMost("creds/ p50 during the sweep, times idle", "", 1.5, busy.Seconds()/idle.Seconds())
	b.say("the sweep of %d took %s", size, took.Round(time.Millisecond))
}

// credsMedian is the p50 of reads for a while.
func (b *benchmark) credsMedian(size int) time.Duration {
	return b.load(b.creds(workCreds, "sei", size))[workCreds].Quantile(0.5)
}

// awaitChecks waits until so many tokens were checked, but not for ever.
func (b *benchmark) awaitChecks(tokens int) {
	for deadline := time.Now().Add(sweepLimit); b.upstream.Counted() < tokens && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
}

// measureStart reloads the mount with few and the one with many integrations in turns.
func (b *benchmark) measureStart() {
	few, many := make([]time.Duration, 0, b.effort.restarts), make([]time.Duration, 0, b.effort.restarts)
	for range b.effort.restarts {
		few = append(few, b.firstRead("small", benchSmall))
		many = append(many, b.firstRead("sei", b.effort.largest()))
	}
	slices.Sort(few)
	slices.Sort(many)
	middle := len(few) / 2
	b.say("from reload to the first read: %s with %d integrations, %s with %d", few[middle], benchSmall, many[middle], b.effort.largest())
	b.atMost(fmt.Sprintf("from reload to the first read, %d integrations, times %d", b.effort.largest(), benchSmall), "", 1.2, many[middle].Seconds()/few[middle].Seconds())
	b.charts()
}

// firstRead is the time from a reload to a credential.
func (b *benchmark) firstRead(mount string, of int) time.Duration {
	began := time.Now()
	b.reload(mount)
	b.require(b.vault.Read(b.t.Context(), mount+"/creds/"+nameOf(plain(1, of))))
	return time.Since(began)
}

// reload makes the engine of a mount start anew, in a new process.
func (b *benchmark) reload(mount string) {
	b.t.Helper()
	b.write("sys/plugins/reload/backend", map[string]any{"mounts": []string{mount + "/"}})
}

func (b *benchmark) require(err error) {
	b.t.Helper()
	require.NoError(b.t, err)
}

func (b *benchmark) charts() {
	g := b.growth
	b.report.Charts = []bench.Chart{
		{Title: "Reading a credential, p50", Unit: "ms", Series: []bench.Series{{Name: workCreds, Points: g.creds}, {Name: workNothing, Points: g.nothing}}},
		{Title: "Looking at all, p50", Unit: "ms", Series: []bench.Series{
			{Name: workKV1List, Points: g.keys}, {Name: workList, Points: g.list}, {Name: workStatus, Points: g.status}, {Name: workHealth, Points: g.health},
		}},
		{Title: "The first look at all after a start", Unit: "s", Series: []bench.Series{{Name: workHealth, Points: g.first}}},
		{Title: "Memory of the plugin's process", Unit: "MB", Series: []bench.Series{{Name: "resident", Points: g.memory}}},
	}
}
