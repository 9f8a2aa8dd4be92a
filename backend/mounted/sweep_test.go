package mounted_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/internal/layer"
	"vault-plugin-secrets-sei/providers"
)

// fleet makes n integrations with a credential each, checked every interval.
func fleet(t *testing.T, w *world, n int, interval time.Duration) {
	t.Helper()
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"health_check_interval": int64(interval / time.Second)}}))
	for i := range n {
		name := fmt.Sprintf("integration-%05d", i)
		require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{
			Create: true, Provider: "fake", AuthType: "key", Settings: texts("url", fmt.Sprintf("https://host-%d.example.com", i%7)),
		}))
		_, err := w.Swaps.Reauth(t.Context(), name, entry(name+"@example.com", "key-of-"+name), backend.Actor{})
		require.NoError(t, err)
	}
}

// step sweeps once and waits.
func step(t *testing.T, s *sweep.Sweep) {
	t.Helper()
	require.NoError(t, s.Step(t.Context()))
	s.Wait()
}

// checks counts what the upstream is asked, by account.
type checks struct {
	mu     sync.Mutex
	counts map[string]int
	// hosts are the checks under way by host, and all; most are the highest so far.
	hosts    map[string]int
	all      int
	mostHost int
	mostAll  int
	hold     func()
	outcome  func(account string) error
}

func (c *checks) answer(_ context.Context, t providers.Target, cred providers.Credential) (providers.Verified, error) {
	account := cred.Value("email").Reveal()
	c.mu.Lock()
	if c.counts == nil {
		c.counts, c.hosts = map[string]int{}, map[string]int{}
	}
	c.counts[account]++
	c.hosts[t.URL]++
	c.all++
	c.mostHost, c.mostAll = max(c.mostHost, c.hosts[t.URL]), max(c.mostAll, c.all)
	hold, outcome := c.hold, c.outcome
	c.mu.Unlock()
	if hold != nil {
		hold()
	}
	c.mu.Lock()
	c.hosts[t.URL]--
	c.all--
	c.mu.Unlock()
	if outcome != nil {
		if err := outcome(account); err != nil {
			return providers.Verified{}, err
		}
	}
	return providers.Verified{Identity: account, AccountID: "id-of-" + account}, nil
}

func (c *checks) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = map[string]int{}
}

// Every integration is checked once per interval, and they do not come together, not
// even after a restart.
func TestASweepIsEven(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	fleet(t, w, 300, time.Hour)
	asked := &checks{}
	w.upstream.answers(asked.answer)
	const hours = 20
	crowd := 0
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	store.reset(nil)
	for minute := range hours * 60 {
		if minute == 10*60 {
			w = w.restarted()
			sweep = w.Sweeper.Sweep()
		}
		before := asked.total()
		w.clock.advance(time.Minute)
		step(t, sweep)
		crowd = max(crowd, asked.total()-before)
	}
	for account, n := range asked.counts {
		assert.InDelta(t, hours, n, 2, account)
	}
	assert.Len(t, asked.counts, 300)
	assert.Less(t, crowd, 30, "of 300 in 60 minutes")
	for _, call := range store.made() {
		assert.False(t, strings.HasPrefix(call, "Put "), "nothing changed: %s", call)
	}
}

func (c *checks) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, one := range c.counts {
		n += one
	}
	return n
}

func TestASweepIsBounded(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 200, time.Hour)
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"max_concurrent_checks": 10}}))
	asked := &checks{hold: func() { time.Sleep(2 * time.Millisecond) }}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	w.clock.advance(time.Hour)
	step(t, sweep)
	assert.GreaterOrEqual(t, asked.total(), 200)
	assert.LessOrEqual(t, asked.mostHost, 4)
	assert.LessOrEqual(t, asked.mostAll, 10)
	assert.GreaterOrEqual(t, asked.mostAll, 8, "and it uses what it may")
}

// A host that does not answer holds up nobody else's check.
func TestASlowHostHoldsUpNobodyElse(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 70, time.Hour)
	stuck := make(chan struct{})
	asked := &checks{}
	w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
		if strings.Contains(target.URL, "host-3") {
			<-stuck
		}
		return asked.answer(ctx, target, cred)
	})
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	w.clock.advance(time.Hour)
	require.NoError(t, sweep.Step(t.Context()))
	require.Eventually(t, func() bool { return asked.total() >= 60 }, 10*time.Second, time.Millisecond)
	close(stuck)
	sweep.Wait()
	assert.GreaterOrEqual(t, asked.total(), 70)
}

// One rejection is confirmed before it counts.
func TestARejectionIsConfirmed(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	fleet(t, w, 1, time.Hour)
	name := "integration-00000"
	rejections := 1
	asked := &checks{outcome: func(string) error {
		if rejections > 0 {
			rejections--
			return failure(providers.Rejected)
		}
		return nil
	}}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	store.reset(nil)
	w.clock.advance(time.Hour)
	step(t, sweep)
	require.Equal(t, 1, asked.total())
	assert.Equal(t, backend.StatusHealthy, w.status(t, name))
	w.clock.advance(time.Minute)
	step(t, sweep)
	require.Equal(t, 2, asked.total(), "soon")
	assert.Equal(t, backend.StatusHealthy, w.status(t, name))
	assert.Empty(t, w.events.of(backend.EventHealthChanged))
	for _, call := range store.made() {
		assert.False(t, strings.HasPrefix(call, "Put "), call)
	}

	rejections = 99
	w.clock.advance(2 * time.Hour)
	step(t, sweep)
	w.clock.advance(time.Minute)
	step(t, sweep)
	assert.Equal(t, backend.StatusNeedsReauth, w.status(t, name))
	assert.Len(t, w.events.of(backend.EventHealthChanged), 1)
	asked.reset()
	for range 4 * 60 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	assert.LessOrEqual(t, asked.total(), 1, "a credential that is known to be bad is not tried all the time")
	_, err := w.Swaps.Reauth(t.Context(), name, entry("new@example.com", "key"), backend.Actor{})
	require.Error(t, err, "it is rejected, too")
	rejections = 0
	_, err = w.Swaps.Reauth(t.Context(), name, entry("new@example.com", "key"), backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, backend.StatusHealthy, w.status(t, name), "at once")
}

func TestRetryAfterIsHonoured(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 1, 10*time.Minute)
	limited := failure(providers.RateLimited)
	limited.RetryAfter = time.Hour
	asked := &checks{outcome: func(string) error { return limited }}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	for range 11 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	require.Equal(t, 1, asked.total())
	for range 55 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	assert.LessOrEqual(t, asked.total(), 2)
	assert.Equal(t, backend.StatusDegraded, w.status(t, "integration-00000"))
}

func TestWhatIsNotSwept(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 1, 0)
	w.create(t, "bare", "key")
	w.create(t, "installed", "app")
	own := providers.Settings{}.Clone()
	own.Numbers["health_check_interval"] = 60
	require.NoError(t, w.Integrations.Write(t.Context(), "own", backend.Draft{Create: true, Provider: "fake", AuthType: "key", Settings: own}))
	_, err := w.Swaps.Reauth(t.Context(), "own", entry("own@example.com", "key"), backend.Actor{})
	require.NoError(t, err)
	asked := &checks{}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	for range 10 {
		step(t, sweep)
		w.clock.advance(time.Minute)
	}
	assert.InDelta(t, 9, asked.counts["own@example.com"], 2, "an integration's own interval")
	assert.Len(t, asked.counts, 1)
	assert.Equal(t, backend.StatusNotChecked, w.status(t, "installed"))
	require.NoError(t, w.Integrations.Delete(t.Context(), "own"))
	asked.reset()
	for range 5 {
		step(t, sweep)
		w.clock.advance(time.Minute)
	}
	assert.Zero(t, asked.total())
}

// What ends with the context ends, and a standby rests.
func TestRunEndsWithItsContext(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 1, time.Second)
	asked := &checks{}
	w.upstream.answers(asked.answer)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Sweeper.Sweep().Run(ctx, func() bool { return false })
	}()
	time.Sleep(1500 * time.Millisecond)
	w.clock.advance(time.Hour)
	stop()
	<-done
	assert.Zero(t, asked.total())
}

// A week in which every upstream is down now and then, and answers nonsense.
func TestOutagesMakeNobodyReauthenticate(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 40, time.Hour)
	dice := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	last := map[string]bool{}
	asked := &checks{outcome: func(account string) error {
		mu.Lock()
		defer mu.Unlock()
		outcomes := []providers.Outcome{"", providers.Unreachable, providers.UpstreamError, providers.RateLimited, providers.Rejected, providers.AddressNotAllowed}
		o := outcomes[dice.IntN(len(outcomes))]
		if o == providers.Rejected && last[account] {
			o = providers.Unreachable // a single one, never two in a row
		}
		last[account] = o == providers.Rejected
		if o == "" {
			return nil
		}
		return failure(o)
	}}
	w.upstream.answers(asked.answer)
	sweep := w.Sweeper.Sweep()
	for range 7 * 24 * 6 {
		step(t, sweep)
		w.clock.advance(10 * time.Minute)
	}
	assert.Greater(t, asked.total(), 40*7*20)
	for _, e := range w.events.of(backend.EventHealthChanged) {
		assert.NotEqual(t, backend.StatusNeedsReauth, e.Status)
	}
}

// A year of a fleet with every kind of end: whoever lets one pass was told 14, 7 and 1
// days before, once each, also across a restart.
func TestAYearOfEnds(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 200, 24*time.Hour)
	dice := rand.New(rand.NewPCG(3, 4))
	begun := w.clock.now()
	ends := map[string]time.Time{} // by fingerprint
	for i := range 200 {
		name := fmt.Sprintf("integration-%05d", i)
		e := entry(name+"@example.com", "second-key-of-"+name)
		end := begun.Add(time.Duration(dice.IntN(360*24*60)) * time.Minute).Add(15 * 24 * time.Hour)
		w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
			v := providers.Verified{Identity: name, AccountID: name}
			if i%3 == 0 { // told by the upstream; else entered; else none
				v.ExpiresAt = end
			}
			return v, nil
		})
		switch i % 3 {
		case 1:
			e.ExpiresAt = end
		case 2:
			end = time.Time{}
		}
		change, err := w.Swaps.Reauth(t.Context(), name, e, backend.Actor{})
		require.NoError(t, err)
		if !end.IsZero() {
			ends[change.After.Current.Fingerprint] = end
		}
	}
	w.upstream.answers((&checks{}).answer)
	sweep := w.Sweeper.Sweep()
	for n := range 380 * 24 / 6 {
		if n == 500 {
			w = w.restarted()
			sweep = w.Sweeper.Sweep()
		}
		step(t, sweep)
		w.clock.advance(6 * time.Hour)
	}
	told := map[string][]int{}
	for _, e := range w.events.of(backend.EventExpiring) {
		told[e.Fingerprint] = append(told[e.Fingerprint], e.DaysLeft)
	}
	assert.Len(t, told, len(ends))
	for fingerprint := range ends {
		assert.Equal(t, []int{14, 7, 1}, told[fingerprint])
	}
	t.Logf("%d ends of 200 integrations in a year, %d announcements", len(ends), len(w.events.of(backend.EventExpiring)))
}

// The sweep of many integrations that did not change writes nothing, and hands nobody
// a credential later.
func TestASweepOfTenThousand(t *testing.T) {
	layer.Check(t, "a sweep of ten thousand integrations")
	store := &storage{}
	w := newWorld(store)
	fleet(t, w, 10_000, time.Hour)
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		time.Sleep(5 * time.Millisecond)
		return providers.Verified{Identity: "x"}, nil
	})
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	store.reset(nil)
	best := 1e9
	for range 3 {
		quiet := readMedian(t, w, 20_000)
		w.clock.advance(time.Hour)
		require.NoError(t, sweep.Step(t.Context()))
		busy := readMedian(t, w, 20_000)
		best = min(best, float64(busy)/float64(quiet))
		t.Logf("median of HandOut: %s alone, %s during a sweep", quiet, busy)
	}
	sweep.Wait()
	assert.Less(t, best, 1.5)
	for _, call := range store.made() {
		assert.False(t, strings.HasPrefix(call, "Put ") || strings.HasPrefix(call, "Delete "), call)
	}
}

func readMedian(t *testing.T, w *world, n int) time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range n {
		name := fmt.Sprintf("integration-%05d", i%10_000)
		begun := time.Now()
		_, err := w.Handouts.HandOut(t.Context(), name, backend.DefaultResource, backend.Actor{}, nil)
		took[i] = time.Since(begun)
		require.NoError(t, err)
	}
	slices.Sort(took)
	return took[n/2]
}

// After a start all is read, and not one after the other; and of what most integrations
// have not, the list says so.
func TestTheFirstReadReadsSideBySide(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	for n := range 200 {
		w.create(t, fmt.Sprintf("i%03d", n), "key")
	}
	w = w.restarted()
	var mu sync.Mutex
	running, most, health := 0, 0, 0
	store.hold = func(call string) {
		mu.Lock()
		running++
		most = max(most, running)
		if strings.HasPrefix(call, "Get health/") {
			health++
		}
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
	}
	began := time.Now()
	s := w.Sweeper.Sweep()
	require.NoError(t, s.Step(t.Context()))
	s.Wait()
	t.Logf("most %d at a time, %d reads of health/, %s", most, health, time.Since(began))
	assert.Greater(t, most, 1)
	assert.Zero(t, health)
}

// A storage that fails is not asked on and on.
func TestTheFirstReadGivesUpWithStorage(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	for n := range 300 {
		w.create(t, fmt.Sprintf("i%03d", n), "key")
	}
	w = w.restarted()
	store.reset(onCalls(fails, "Get "))
	_, err := w.Watch.All(t.Context())
	require.Error(t, err)
	t.Logf("%d calls", len(store.made()))
	assert.Less(t, len(store.made()), 30)
}
