package bench_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/bench"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	// scraped is how many integrations the fleet of a scrape has.
	scraped = 10_000
	// scrapes are measured.
	scrapes = 12
	// forgotten is when what was seen of the integrations is seen anew.
	forgotten = 1100 * time.Millisecond
)

// A scrape costs less of the processor, that of Vault and of the plugin, than status and a
// list of names together, which is what a monitor would read without it. Vault has an audit
// device, as in production; what the mount saw a second before is no longer there.
func TestCostOfAScrape(t *testing.T) {
	layer.Check(t, "what a scrape of 10,000 integrations costs")
	b := &benchmark{t: t, server: harness.StartDev(t), fakes: harness.StartFakes(t)}
	client := b.server.Client(t)
	b.server.DisableAudit(t)
	_, err := client.Logical().WriteWithContext(t.Context(), "sys/loggers", map[string]any{"level": "warn"})
	require.NoError(t, err)
	b.vault = bench.NewVault("http://"+b.server.Host(), b.server.Token)
	b.upstream, err = bench.NewUpstream(t.Context(), hosts)
	require.NoError(t, err)
	t.Cleanup(b.upstream.Close)
	b.server.Mount(t, "sei")
	b.write("sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "health_check_interval": 0})
	b.fill("sei", 0, scraped)

	metrics := func() error { return b.vault.Read(t.Context(), "sei/metrics") }
	status := func() error { return b.vault.Read(t.Context(), "sei/status") }
	names := func() error { return b.vault.List(t.Context(), "sei/integrations") }
	for range 3 { // what is made once
		b.spent(metrics)
		b.spent(status)
	}
	b.server.EnableAudit(t)
	var scrape, both time.Duration
	for range scrapes {
		time.Sleep(forgotten)
		scrape += b.spent(metrics)
		time.Sleep(forgotten)
		both += b.spent(status) + b.spent(names)
	}
	t.Logf("a scrape of %d integrations takes %s of the processor, status and a list of names %s", scraped, scrape/scrapes, both/scrapes)
	// Linux counts in steps of 10 ms, and the garbage collectors run when they like.
	limit := both + both/10
	if !harness.Has(t, harness.LeanTexts) {
		limit = both + both/2
	}
	assert.Less(t, scrape, limit)
}

// spent is what a request takes of the processor.
func (b *benchmark) spent(ask func() error) time.Duration {
	b.t.Helper()
	begun := b.processorTime()
	require.NoError(b.t, ask())
	return b.processorTime() - begun
}
