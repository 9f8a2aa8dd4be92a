package mounted_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/health"
	"vault-plugin-secrets-sei/providers"
)

// slowPool is the answer of an upstream that takes its time for each token, and counts.
type slowPool struct {
	mu       sync.Mutex
	takes    time.Duration
	under    int
	most     int
	asked    map[string]int
	rejected string
}

func (s *slowPool) answer(ctx context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
	token := cred.Values("pat")[0].Reveal()
	s.mu.Lock()
	if s.asked == nil {
		s.asked = map[string]int{}
	}
	s.asked[token]++
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.under--
	}()
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return providers.Verified{}, failure(providers.Unreachable)
	}
	if token == s.rejected {
		return providers.Verified{}, failure(providers.Rejected)
	}
	return providers.Verified{Members: []providers.Member{{Identity: "an account", AccountID: "an account"}}}, nil
}

// bigPool has integration "a" with a pool of n tokens, whose checks take so long.
func bigPool(t *testing.T, w *world, n int, takes time.Duration) *slowPool {
	t.Helper()
	var accounts []string
	for i := range n {
		accounts = append(accounts, fmt.Sprintf("account-%d", i+1))
	}
	poolOf(t, w, accounts...)
	s := &slowPool{takes: takes}
	w.upstream.answers(s.answer)
	return s
}

// A check by hand of a big pool answers within the time of a request: side by side, and
// else for those that it reached.
func TestACheckOfABigPoolAnswersInTime(t *testing.T) {
	for name, c := range map[string]struct {
		takes   time.Duration
		within  time.Duration
		reaches int
	}{
		"5.5 seconds for each token": {5500 * time.Millisecond, 40 * time.Second, 20},
		"20 seconds for each token":  {20 * time.Second, 61 * time.Second, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				s := bigPool(t, w, 20, c.takes)
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				begun := time.Now()
				assessed, err := w.Watch.Check(ctx, "a")
				require.NoError(t, err)
				assert.LessOrEqual(t, time.Since(begun), c.within)
				assert.LessOrEqual(t, s.most, 4, "at one host")
				assert.GreaterOrEqual(t, len(s.asked), c.reaches)
				assert.Equal(t, backend.StatusHealthy, assessed.Health.Status, assessed.Health.Message)
				if c.reaches == 20 {
					assert.Empty(t, assessed.Notes)
					return
				}
				require.Len(t, assessed.Notes, 1)
				assert.Contains(t, assessed.Notes[0], "20")
			})
		})
	}
}

// What is not reached this time is as it was, and is begun with the next time; a token
// that is dead is found, and the rejection is confirmed.
func TestWhatACheckDoesNotReachStaysAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		// Four at a time for half a minute: 16 are reached, and the next time is over in the
		// middle of the other 8.
		s := bigPool(t, w, 24, 7*time.Second)
		s.rejected = "token-2"
		check := func() *health.Assessment {
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			assessed, err := w.Watch.Check(ctx, "a")
			require.NoError(t, err)
			return assessed
		}
		assessed := check()
		require.NotEmpty(t, assessed.Notes)
		assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Members[1].Status)
		s.takes = 20 * time.Second
		assessed = check()
		require.NotEmpty(t, assessed.Notes)
		assert.Equal(t, 2, s.asked["token-2"], "asked and confirmed, and not reached now")
		assert.Equal(t, backend.StatusNeedsReauth, assessed.Health.Members[1].Status, "as it was")
		assert.Equal(t, 1, s.asked["token-1"], "it goes on where it ended")
		s.takes = time.Millisecond
		assert.Empty(t, check().Notes)
		assert.Len(t, s.asked, 24)
	})
}

// A rejection that there was no time to confirm is confirmed by the next check.
func TestARejectionThatThereWasNoTimeToConfirm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		s := bigPool(t, w, 3, 14*time.Second)
		s.rejected = "token-2"
		for _, want := range []backend.Status{backend.StatusHealthy, backend.StatusNeedsReauth} {
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			assessed, err := w.Watch.Check(ctx, "a")
			cancel()
			require.NoError(t, err)
			assert.Equal(t, want, assessed.Health.Members[1].Status)
		}
	})
}

// An upstream that says nothing at all is not called healthy because time was over.
func TestAPoolWhoseHostIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		bigPool(t, w, 6, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		assessed, err := w.Watch.Check(ctx, "a")
		require.NoError(t, err)
		assert.Equal(t, backend.StatusUnreachable, assessed.Health.Status)
		assert.Empty(t, assessed.Notes)
	})
}

// Sweeps look at all tokens of a slow pool, part by part.
func TestASlowPoolIsCheckedInParts(t *testing.T) {
	w := newWorld(&storage{})
	s := bigPool(t, w, 12, 0)
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"health_check_interval": 3600, "request_timeout": 1}}))
	s.takes = 900 * time.Millisecond
	s.rejected = "token-11"
	sweep := w.Sweeper.Sweep()
	step(t, sweep)
	w.clock.advance(time.Hour)
	step(t, sweep)
	assert.Less(t, len(s.asked), 12, "there is no time for all")
	for range 6 {
		w.clock.advance(time.Minute)
		step(t, sweep)
	}
	assert.Len(t, s.asked, 12)
	s.takes = 0
	for range 3 {
		w.clock.advance(time.Hour)
		step(t, sweep)
	}
	assert.Equal(t, backend.StatusDegraded, w.status(t, "a"))
}

// A credential that is shared by so many that there is no time to check it for all, although
// the upstream answers, needs more time; where the upstream is silent, that is said.
func TestAGroupThatNeedsMoreTime(t *testing.T) {
	for name, c := range map[string]struct {
		silent string // of which integration the upstream never answers
		more   bool
	}{"slow": {more: true}, "silent": {silent: "member-01"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				require.NoError(t, service(t.Context(), w, "a", "Acme"))
				for n := range 12 {
					if c.more || n < 3 {
						require.NoError(t, service(t.Context(), w, fmt.Sprintf("member-%02d", n), "Acme"))
					}
				}
				w.upstream.answers(func(ctx context.Context, target providers.Target, _ providers.Credential) (providers.Verified, error) {
					takes := 12 * time.Second
					if target.Settings.Text("service") == c.silent {
						takes = time.Hour
					}
					select {
					case <-time.After(takes):
						return providers.Verified{Identity: "mia"}, nil
					case <-ctx.Done():
						return providers.Verified{}, failure(providers.Unreachable)
					}
				})
				_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
				refused := requireCode(t, err, string(providers.Unreachable))
				if c.more {
					assert.Contains(t, refused.Message, "request_timeout")
					assert.NotContains(t, refused.Message, "check the address")
					return
				}
				assert.Equal(t, []string{"member-01"}, refused.Siblings)
				assert.NotContains(t, refused.Message, "request_timeout")
				assert.Contains(t, refused.Message, "check the address")
			})
		})
	}
}

// Sixteen pools of forty tokens at four slow hosts do not keep out what is checked every
// four seconds elsewhere.
func TestSlowPoolsStopNobodysChecks(t *testing.T) {
	for name, takes := range map[string]time.Duration{"slow": 2500 * time.Millisecond, "as slow as can be": 29 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				own := func(url string) providers.Settings {
					s := texts("url", url)
					s.Numbers["health_check_interval"] = 4
					return s
				}
				var tokens []string
				for n := range 40 {
					tokens = append(tokens, fmt.Sprintf("token-%d", n))
				}
				for n := range 16 {
					name := fmt.Sprintf("pool-%02d", n)
					require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{
						Create: true, Provider: "fake", AuthType: "pool", Settings: own(fmt.Sprintf("https://slow-%d.example.com", n%4)),
					}))
					_, err := w.Swaps.Reauth(t.Context(), name, pool(tokens...), backend.Actor{})
					require.NoError(t, err)
				}
				for n := range 4 {
					name := fmt.Sprintf("victim-%d", n)
					require.NoError(t, w.Integrations.Write(t.Context(), name, backend.Draft{
						Create: true, Provider: "fake", AuthType: "key", Settings: own("https://quick.example.com"),
					}))
					_, err := w.Swaps.Reauth(t.Context(), name, entry(name, "key"), backend.Actor{})
					require.NoError(t, err)
				}
				var mu sync.Mutex
				last, gap, reached := map[string]time.Time{}, time.Duration(0), map[string]int{}
				w.upstream.answers(func(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
					if target.AuthType == "pool" {
						select {
						case <-time.After(takes):
						case <-ctx.Done():
							return providers.Verified{}, failure(providers.Unreachable)
						}
						mu.Lock()
						defer mu.Unlock()
						reached[cred.Values("pat")[0].Reveal()]++
						return providers.Verified{Members: []providers.Member{{Identity: "an account"}}}, nil
					}
					who := cred.Value("email").Reveal()
					mu.Lock()
					defer mu.Unlock()
					if before, known := last[who]; known {
						gap = max(gap, time.Since(before))
					}
					last[who] = time.Now()
					return providers.Verified{Identity: who, AccountID: "id-of-" + who}, nil
				})
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					w.Sweeper.Sweep().Run(ctx, func() bool { return true })
				}()
				time.Sleep(10 * time.Minute)
				stop()
				<-done
				t.Logf("longest gap %s, %d tokens reached", gap, len(reached))
				assert.Len(t, last, 4)
				assert.Less(t, gap, 12*time.Second)
				assert.Greater(t, len(reached), 5, "and the slow pools have their share")
			})
		})
	}
}
