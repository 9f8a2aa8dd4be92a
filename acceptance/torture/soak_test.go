package torture_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	// envSoak is for how long to soak, such as 1h. Without it, it is a short one with few
	// integrations.
	envSoak     = "SEI_SOAK"
	shortSoak   = 15 * time.Second
	fewSoaked   = 60
	manySoaked  = 2000
	soakClients = 6
	// looksADay is how often each integration is checked in the day that passes.
	looksADay = 48
)

// soak is a mount with integrations of all kinds, and people and workers who use them.
type soak struct {
	server *harness.Server
	client *api.Client
	fakes  *harness.Fakes
	clock  *harness.Clock
	all    []*soaked
	day    time.Duration // how long a day takes here
	done   counts
}

// counts are events by kind.
type counts struct {
	mu     sync.Mutex
	of     map[string]int
	failed map[string]error // one of each kind
}

// After a day of events in fast motion the plugin holds what it held before, and storage has
// the entries that it had. What a day is: the engine's clock goes on by 24 hours, a minute at
// a time.
func TestSoak(t *testing.T) {
	layer.Check(t, "a day of events in fast motion")
	needsProc(t)
	length, count := soakLength(t)
	s := newSoak(t, length, count)
	// Each credential is bad once, of which something is kept; caches, histories and pools fill up.
	s.each(t, s.revoke)
	s.live(t, max(length/20, 5*time.Second))
	before := s.rest(t, length)
	s.done = counts{of: map[string]int{}, failed: map[string]error{}}
	s.live(t, length)
	after := s.rest(t, length)
	t.Logf("%d integrations, a day in %s: %v", count, length, s.done.of)
	t.Logf("before: %s\nafter:  %s", stateLine(before), stateLine(after))
	s.done.judge(t)
	assertSame(t, before, after)
	s.assertAllServed(t)
}

func stateLine(s harness.PluginState) string {
	return fmt.Sprintf("heap %.1f MiB, resident %.1f MiB, %d goroutines, %d open files, entries %v", mebibytes(s.Heap), mebibytes(s.Resident), s.Goroutines, s.Files, s.Entries)
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// assertSame demands that a state is that of before: entries one by one, files and goroutines
// but for a few connections that are open at any time, and memory but for what
// the collector and a map that grew once leave.
func assertSame(t *testing.T, before, after harness.PluginState) {
	t.Helper()
	const (
		few           = 16
		heapMore      = 1.10
		residentMore  = 1.25
		heapSlack     = 2 << 20
		residentSlack = 16 << 20
	)
	// Of an integration that was bad once a finding is kept, and what each target was told.
	for _, folder := range []string{"health", "notified"} {
		assert.LessOrEqual(t, after.Entries[folder], after.Entries["integrations"], folder)
		delete(before.Entries, folder)
		delete(after.Entries, folder)
	}
	assert.Equal(t, before.Entries, after.Entries, "entries in storage")
	assert.LessOrEqual(t, after.Goroutines, before.Goroutines+few, "goroutines")
	assert.LessOrEqual(t, after.Files, before.Files+few, "open files")
	assert.LessOrEqual(t, float64(after.Heap), heapMore*float64(before.Heap)+heapSlack, "heap")
	assert.LessOrEqual(t, float64(after.Resident), residentMore*float64(before.Resident)+residentSlack, "resident")
}

func soakLength(t *testing.T) (time.Duration, int) {
	t.Helper()
	text := os.Getenv(envSoak)
	if text == "" {
		return shortSoak, fewSoaked
	}
	length, err := time.ParseDuration(text)
	require.NoError(t, err, envSoak)
	return length, manySoaked
}

// newSoak enters a credential for each integration.
func newSoak(t *testing.T, day time.Duration, count int) *soak {
	t.Helper()
	plugins, clock := harness.BuildClock(t)
	server := harness.StartEmptyRaft(t, plugins)
	server.Register(t)
	server.Mount(t, "sei")
	s := &soak{server: server, client: server.Client(t), fakes: harness.StartFakes(t), clock: clock, day: day}
	s.done = counts{of: map[string]int{}, failed: map[string]error{}}
	require.NoError(t, s.client.SetAddress("http://"+server.Host())) // past the recorder, which keeps answers
	receiver := harness.StartReceiver(t)
	client := s.client.Logical()
	harness.Write(t, client, "sei/config", map[string]any{
		"allowed_hosts": append(s.fakes.World.AllowedHosts(), "http://127.0.0.1"), "history_limit": 3, "rollback_window": 3600,
		"health_check_interval": int(max(day/looksADay, 5*time.Second).Seconds()), "max_concurrent_checks": 8,
		"public_address": "http://localhost",
	})
	harness.Write(t, client, "sei/notify/ops", map[string]any{"url": receiver.Hook("of-the-soak"), "settle": 0})
	w := s.fakes.World
	for _, aged := range []interface{ SetClock(now func() time.Time) }{w.Bitbucket, w.Entra, w.GitLabOwn, w.HarnessOwn, w.SonarQube} {
		aged.SetClock(clock.Now)
	}
	s.all = soakedOf(s.fakes, count, server.Addr+"/v1/sei/oauth/callback")
	s.each(t, func(ctx context.Context, in *soaked) error { return s.enter(ctx, in) })
	return s
}

// each does something with all integrations, some at a time.
func (s *soak) each(t *testing.T, deed func(context.Context, *soaked) error) {
	t.Helper()
	var (
		group  sync.WaitGroup
		next   atomic.Int64
		failed atomic.Bool
	)
	for range soakClients {
		group.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(s.all) && !failed.Load(); i = next.Add(1) - 1 {
				if !assert.NoError(t, deed(t.Context(), s.all[i]), s.all[i].name) {
					failed.Store(true)
				}
			}
		})
	}
	group.Wait()
	require.False(t, failed.Load())
}

// enter configures an integration and re-authenticates it.
func (s *soak) enter(ctx context.Context, in *soaked) error {
	if _, err := s.client.Logical().WriteWithContext(ctx, "sei/integrations/"+in.name, in.settings); err != nil {
		return err
	}
	return s.reauthenticate(ctx, in)
}

// reauthenticate is what a person does, with a form or a browser.
func (s *soak) reauthenticate(ctx context.Context, in *soaked) error {
	if in.consent == nil {
		var body map[string]any
		body, in.token = in.credential(in.entered)
		in.entered++
		_, err := s.client.Logical().WriteWithContext(ctx, "sei/reauth/"+in.name, body)
		return err
	}
	var err error
	for range 5 { // ten minutes, for which an authorization lives, may pass in the blink of an eye
		if err = s.consent(ctx, in); err == nil || ignore(err, "oauth_state_invalid", "authorization code") != nil {
			break
		}
	}
	return err
}

func (s *soak) consent(ctx context.Context, in *soaked) error {
	begun, err := s.client.Logical().WriteWithContext(ctx, "sei/oauth/authorize/"+in.name, nil)
	if err != nil {
		return err
	}
	url, _ := begun.Data["authorize_url"].(string)
	body, err := in.consent(url)
	if err != nil {
		return err
	}
	_, err = s.client.Logical().WriteWithContext(ctx, "sei/reauth/"+in.name, body)
	return err
}

// live lets so much of a day pass as fits into a time: the clock goes on, and what
// happens in a day happens.
func (s *soak) live(t *testing.T, length time.Duration) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var group sync.WaitGroup
	for range soakClients {
		group.Go(func() {
			for ctx.Err() == nil {
				s.happen(t.Context(), s.all[rand.N(len(s.all))])
				time.Sleep(rand.N(30 * time.Millisecond))
			}
		})
	}
	tick := time.NewTicker(s.day / (24 * 60))
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		select {
		case <-tick.C:
			s.clock.Jump(t, time.Minute)
		case <-ctx.Done():
		}
		if n%100 == 0 {
			for _, fake := range s.fakes.World.Fakes() {
				fake.Forget() // else the fakes grow
			}
		}
	}
	group.Wait()
}

// rest brings everything to what it is when nobody does anything: what was revoked is
// entered again, and what was begun and left has ended. Then it looks.
func (s *soak) rest(t *testing.T, length time.Duration) harness.PluginState {
	t.Helper()
	const swept = 5 * time.Minute // so long must it be
	s.each(t, func(ctx context.Context, in *soaked) error { return s.reauthenticate(ctx, in) })
	// Authorizations and invitations end after a day at most; Vault has them swept once a
	// minute, which is what a short soak does not wait for.
	s.clock.Jump(t, 25*time.Hour)
	if length >= swept {
		time.Sleep(70 * time.Second)
	}
	time.Sleep(3 * time.Second)
	state := s.server.PluginState(t)
	if length < swept {
		delete(state.Entries, "oauth")
		delete(state.Entries, "invites")
	}
	return state
}

// assertAllServed demands that each integration is served and works.
func (s *soak) assertAllServed(t *testing.T) {
	t.Helper()
	s.each(t, func(ctx context.Context, in *soaked) error {
		if _, err := s.client.Logical().ReadWithContext(ctx, "sei/creds/"+in.name); err != nil {
			return err
		}
		checked, err := s.client.Logical().WriteWithContext(ctx, "sei/health/"+in.name, nil)
		if err == nil && checked.Data["status"] == "needs_reauth" {
			err = fmt.Errorf("%s is %v: %v", in.name, checked.Data["status"], checked.Data["message"])
		}
		return err
	})
}

// note counts an event, and keeps an error that there was no reason for.
func (c *counts) note(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[kind]++
	if err != nil {
		c.of[kind+" failed"]++
		c.failed[kind] = err
	}
}

// judge demands that everything happened, and most of it without an error: an
// integration may be used by one while another takes it away.
func (c *counts) judge(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, err := range maps.All(c.failed) {
		t.Logf("%s: %v", kind, err)
	}
	for _, e := range soakEvents() {
		assert.NotZero(t, c.of[e.kind], "%s never happened", e.kind)
		assert.LessOrEqual(t, 10*c.of[e.kind+" failed"], c.of[e.kind], "%s failed: %v", e.kind, c.failed[e.kind])
	}
}
