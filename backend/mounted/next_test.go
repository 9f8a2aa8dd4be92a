package mounted_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/sweep"
	"vault-plugin-secrets-sei/providers"
)

// upcoming is what the sweep would do next of an integration.
func (w *world) upcoming(t *testing.T, name string) sweep.Next {
	t.Helper()
	assessed, err := w.Watch.Health(t.Context(), name)
	require.NoError(t, err)
	mount, err := w.Mount.Read(t.Context())
	require.NoError(t, err)
	return w.Sweeper.Next(assessed, mount)
}

// write changes settings of "a".
func (w *world) write(t *testing.T, s providers.Settings) {
	t.Helper()
	require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "rotating", AuthType: "key", Settings: s}))
	w.Sweeper.Configured()
}

// windows are settings: from Sunday at 02:00 for two hours.
func windows() providers.Settings {
	return providers.Settings{
		Texts:   map[string]string{"rotation_schedule": "0 2 * * SUN"},
		Numbers: map[string]int64{"rotation_window": 2 * 3600},
	}
}

// untilRotated sweeps every minute until a key was rotated n times, at most for a while, and
// returns when that was.
func (w *world) untilRotated(t *testing.T, s *sweep.Sweep, n int, most time.Duration) time.Time {
	t.Helper()
	for end := w.clock.now().Add(most); w.clock.now().Before(end); w.clock.advance(time.Minute) {
		step(t, s)
		if len(w.bank.rotates) >= n {
			return w.clock.now()
		}
	}
	t.Fatal("it was not rotated")
	return time.Time{}
}

// The next rotation is foretold, from the moment of the re-authentication on, and happens
// then: within a minute of it, not before.
func TestTheNextRotationIsTrue(t *testing.T) {
	for name, c := range map[string]struct {
		settings providers.Settings
		days     float64 // from the start to the rotation
	}{
		"a third of its life before the end":                       {providers.Settings{}, 20},
		"as long before as was set":                                {providers.Settings{Numbers: map[string]int64{"rotate_before": 5 * 24 * 3600}}, 25},
		"in the next window, 23 January is a Saturday at 03:04":    {windows(), 21.95547},
		"with a schedule alone":                                    {providers.Settings{Texts: map[string]string{"rotation_schedule": "30 12 25 * *"}}, 23.39299},
		"no window before the end, so when it is due":              {providers.Settings{Texts: map[string]string{"rotation_schedule": "0 2 15 * *"}}, 20},
		"the 29th of February 2028 is no window before the end":    {providers.Settings{Texts: map[string]string{"rotation_schedule": "0 2 29 2 *"}}, 20},
		"a window that is open all the time, when it becomes due":  {providers.Settings{Texts: map[string]string{"rotation_schedule": "0 * * * *"}, Numbers: map[string]int64{"rotation_window": 3600}}, 20},
		"a window of the last hour is too late, so when it is due": {providers.Settings{Texts: map[string]string{"rotation_schedule": "30 2 1 2 *"}, Numbers: map[string]int64{"rotation_window": 3600}}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			w := rotatingWorld(t, &storage{}, false, "auto_rotate")
			start := w.clock.now()
			w.write(t, c.settings)
			next := w.upcoming(t, "a").Rotation
			assert.InDelta(t, c.days, next.Sub(start).Hours()/24, 0.001, "%s", next)
			s := w.Sweeper.Sweep()
			w.clock.advance(next.Sub(start) - 10*time.Minute)
			for range 9 {
				step(t, s)
				assert.Equal(t, next, w.upcoming(t, "a").Rotation)
				w.clock.advance(time.Minute)
			}
			assert.Empty(t, w.bank.rotates, "not before")
			at := w.untilRotated(t, s, 1, 5*time.Minute)
			assert.False(t, at.Before(next))
			assert.Less(t, at.Sub(next), time.Minute+time.Second)
			after := w.upcoming(t, "a").Rotation
			assert.True(t, after.After(at), "the one after that: %s", after)
		})
	}
}

// A rotation that fails is tried again within the window, then in the next one, and outside
// where no window begins before the end. What is foretold moves along.
func TestRetriesStayInTheWindow(t *testing.T) {
	w := rotatingWorld(t, &storage{}, false, "auto_rotate")
	w.write(t, windows())
	w.bank.refuses = failure(providers.InsufficientScope)
	end := w.bank.ends["first-key"] // Monday 1 February, 03:04
	s := w.Sweeper.Sweep()
	var tries []time.Time
	for w.clock.now().Before(end) {
		before := len(w.bank.rotates)
		next := w.upcoming(t, "a")
		step(t, s)
		now := w.clock.now()
		if len(w.bank.rotates) > before {
			tries = append(tries, now)
			assert.False(t, now.Before(next.Rotation), "at %s, foretold for %s", now, next.Rotation)
			assert.Less(t, now.Sub(next.Rotation), time.Minute+time.Second)
			hour := now.UTC().Hour()
			in := now.UTC().Weekday() == time.Sunday && (hour == 2 || hour == 3)
			assert.Equal(t, !in, next.Outside, "%s", now)
			assert.True(t, in || now.After(time.Date(2027, 1, 31, 4, 0, 0, 0, time.UTC)), "outside while a window was to come: %s", now)
			assert.True(t, w.upcoming(t, "a").Rotation.After(now))
		}
		w.clock.advance(time.Minute)
	}
	days := map[int]int{}
	for _, at := range tries {
		days[at.Day()]++
	}
	assert.Equal(t, 4, days[24], "at 02:00, 02:15, 02:45 and 03:45")
	assert.Positive(t, days[31])
	assert.False(t, w.upcoming(t, "a").Outside, "it has ended: there is nothing left to come in time for")
	w.clock.advance(-time.Hour)
	w.bank.refuses = nil
	assert.True(t, w.upcoming(t, "a").Outside)
}

// A schedule alone is open from its time on until the rotation has succeeded.
func TestAScheduleAloneGoesOnUntilItHasSucceeded(t *testing.T) {
	w := rotatingWorld(t, &storage{}, false, "auto_rotate")
	w.write(t, providers.Settings{Texts: map[string]string{"rotation_schedule": "0 2 * * SUN"}})
	w.bank.refuses = failure(providers.InsufficientScope)
	s := w.Sweeper.Sweep()
	w.clock.advance(w.upcoming(t, "a").Rotation.Sub(w.clock.now()))
	first := w.untilRotated(t, s, 1, 5*time.Minute)
	assert.Equal(t, 24, first.UTC().Day())
	next := w.upcoming(t, "a").Rotation
	assert.Equal(t, first.Add(15*time.Minute), next)
	w.bank.refuses = nil
	assert.WithinDuration(t, next, w.untilRotated(t, s, 2, time.Hour), time.Minute)
	assert.Equal(t, "made-key-1", w.key(t))
}

// A rotation that waits for its turn goes by what is set when that comes.
func TestARotationInTheQueueGoesByTheNewSettings(t *testing.T) {
	elsewhen := windows()
	elsewhen.Texts["rotation_schedule"] = "0 14 * * WED"
	for name, c := range map[string]struct {
		settings providers.Settings
		rotates  bool
	}{
		"nothing new":    {providers.Settings{Texts: map[string]string{"description": "it is described"}}, true},
		"no auto_rotate": {providers.Settings{Flags: map[string]bool{"auto_rotate": false}}, false},
		"another window": {elsewhen, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			names := []string{"a", "b", "c", "d", "e"}
			for _, name := range names {
				w.rotatableAs(t, name)
			}
			hung, goOn := make(chan bool, len(names)), make(chan bool)
			w.bank.hold = func() { hung <- true; <-goOn }
			w.clock.advance(w.upcoming(t, "e").Rotation.Sub(w.clock.now()))
			s := w.Sweeper.Sweep()
			require.NoError(t, s.Step(t.Context()))
			for range 4 {
				<-hung
			}
			require.NotContains(t, w.bank.rotated(), "key-of-e")
			require.NoError(t, w.Integrations.Write(t.Context(), "e", backend.Draft{Provider: "rotating", AuthType: "key", Settings: c.settings}))
			close(goOn)
			s.Wait()
			assert.Equal(t, c.rotates, slices.Contains(w.bank.rotated(), "key-of-e"))
			assert.Empty(t, w.Faults(""))
		})
	}
}

// rotatableAs has an integration with a key of its own that a person made, for 30 days.
func (w *world) rotatableAs(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{Create: true, Provider: "rotating", AuthType: "key", Settings: providers.Settings{Flags: map[string]bool{"auto_rotate": true}}}))
	w.bank.life = 30 * day
	w.bank.living["key-of-"+name], w.bank.ends["key-of-"+name] = "", w.clock.now().Add(w.bank.life)
	_, err := w.Swaps.Reauth(t.Context(), name, backend.Entry{Credential: keyOnly("key-of-" + name)}, backend.Actor{})
	require.NoError(t, err)
}

// rotated are the keys that were rotated.
func (b *bank) rotated() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.rotates)
}

// rotate/ is not held: whoever asks is there.
func TestAHandRotatesOutsideOfAWindow(t *testing.T) {
	w := rotatingWorld(t, &storage{}, false, "auto_rotate")
	w.write(t, windows())
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{Via: "rotate/a"})
	require.NoError(t, err)
	assert.Equal(t, "made-key-1", w.key(t))
}

// Nothing is foretold that would not happen.
func TestNoRotationIsPlanned(t *testing.T) {
	world := func(t *testing.T) *world {
		t.Helper()
		return rotatingWorld(t, &storage{}, false, "auto_rotate")
	}
	t.Run("not asked for", func(t *testing.T) {
		w := world(t)
		w.write(t, providers.Settings{Flags: map[string]bool{"auto_rotate": false}})
		assert.Zero(t, w.upcoming(t, "a").Rotation)
	})
	t.Run("the end is not known", func(t *testing.T) {
		w := world(t)
		w.bank.living["endless"] = ""
		w.reauth(t, backend.Entry{Credential: keyOnly("endless")})
		assert.Zero(t, w.upcoming(t, "a").Rotation)
	})
	t.Run("no credential", func(t *testing.T) {
		w := world(t)
		_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Zero(t, w.upcoming(t, "a"))
	})
	t.Run("the upstream cannot", func(t *testing.T) {
		w := newWorld(&storage{})
		require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Create: true, Provider: "fake", AuthType: "key", Settings: providers.Settings{Flags: map[string]bool{"auto_rotate": true}}}))
		e := entry("ada@example.com", "key")
		e.ExpiresAt = w.clock.now().Add(30 * 24 * time.Hour)
		w.reauth(t, e)
		assert.Zero(t, w.upcoming(t, "a").Rotation)
		assert.NotZero(t, w.upcoming(t, "a").Check)
	})
}

// The next check is foretold and happens then, whatever came in between.
func TestTheNextCheckIsTrue(t *testing.T) {
	w := newWorld(&storage{})
	fleet(t, w, 3, time.Hour)
	const name = "integration-00001"
	asked := &checks{}
	w.upstream.answers(asked.answer)
	checked := func() int {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		return asked.counts[name+"@example.com"]
	}
	s := w.Sweeper.Sweep()
	happens := func(why string) {
		t.Helper()
		before, next := checked(), w.upcoming(t, name).Check
		require.True(t, next.After(w.clock.now()), "%s: %s", why, next)
		for w.clock.now().Before(next.Add(-time.Second)) {
			w.clock.advance(min(10*time.Second, next.Sub(w.clock.now())-time.Second))
			step(t, s)
			require.Equal(t, before, checked(), "%s: at %s, before %s", why, w.clock.now(), next)
			require.Equal(t, next, w.upcoming(t, name).Check, why)
		}
		w.clock.advance(time.Second)
		step(t, s)
		assert.Equal(t, before+1, checked(), why)
	}
	happens("known before the sweep has listed it")
	happens("again")
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"health_check_interval": 600}}))
	w.Sweeper.Configured()
	happens("with another interval")
	asked.outcome = func(account string) error {
		if account != name+"@example.com" {
			return nil
		}
		return &providers.Error{Outcome: providers.RateLimited, RetryAfter: 1800 * time.Second}
	}
	happens("limited")
	asked.outcome = nil
	assert.Greater(t, w.upcoming(t, name).Check.Sub(w.clock.now()), 29*time.Minute, "as long as the upstream said")
	happens("after the limit")
	w.Sweeper.Soon(name)
	happens("a worker reported something")
}

func TestNoCheckIsPlanned(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	assert.Zero(t, w.upcoming(t, "a").Check, "there is nothing to check")
	w.reauth(t, entry("ada@example.com", "key"))
	assert.NotZero(t, w.upcoming(t, "a").Check)
	w.create(t, "app", "app")
	assert.Zero(t, w.upcoming(t, "app").Check, "it cannot be checked")
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"health_check_interval": 0}}))
	assert.Zero(t, w.upcoming(t, "a").Check, "checks are off")
}
