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
	"vault-plugin-secrets-sei/providers"
)

// flood is what a stolen token sends: checks of wrong credentials, all at once.
type flood struct {
	sync.WaitGroup
	mu       sync.Mutex
	outcomes map[string]int
}

// flooded sends that many to the integrations in turn, of which the upstream takes its
// time for each.
func (w *world) flooded(t *testing.T, takes time.Duration, n int, names ...string) *flood {
	t.Helper()
	w.upstream.answers(func(ctx context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return providers.Verified{}, failure(providers.Unreachable)
		}
		if cred.Value("key").Reveal() == "wrong" {
			return providers.Verified{}, failure(providers.Rejected)
		}
		return providers.Verified{Identity: cred.Value("email").Reveal()}, nil
	})
	f := &flood{outcomes: map[string]int{}}
	for i := range n {
		f.Go(func() {
			_, err := w.Swaps.Reauth(t.Context(), names[i%len(names)], entry("mia@example.com", "wrong"), backend.Actor{})
			var refused *backend.Error
			if !assert.ErrorAs(t, err, &refused) {
				return
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.outcomes[refused.Code]++
			if refused.Code == backend.CodeBusy {
				assert.Positive(t, refused.RetryAfter)
				assert.Regexp(t, "version 1 stays in use|nothing was stored", refused.Message)
			}
		})
	}
	synctest.Wait()
	return f
}

// Whoever holds a stolen token cannot keep others from forgetting, deleting and
// configuring, nor have more than a few requests wait.
func TestAFloodOfChecksDoesNotHoldTheBrakes(t *testing.T) {
	write := func(name string) act {
		return func(ctx context.Context, w *world) error {
			s := providers.Settings{}.Clone()
			s.Flags["pin_identity"] = true
			in, err := w.Integrations.Read(ctx, name)
			if err != nil {
				return err
			}
			return w.Integrations.Write(ctx, name, backend.Draft{Provider: in.Provider, AuthType: in.AuthType, Settings: s})
		}
	}
	forget := func(name string) act {
		return func(ctx context.Context, w *world) error { return of(w.Swaps.Forget(ctx, name, backend.Actor{})) }
	}
	move := func(ctx context.Context, w *world) error {
		return w.Integrations.Write(ctx, "z", backend.Draft{Provider: "sharing", AuthType: "key", Settings: texts("organization", "acme")})
	}
	for name, brake := range map[string]struct {
		prepare func(*testing.T, *world)
		flooded []string
		do      act
	}{
		"forget":                      {keyWorld, []string{"a"}, forget("a")},
		"configure":                   {keyWorld, []string{"a"}, write("a")},
		"delete":                      {keyWorld, []string{"a"}, deletion("a")},
		"forget in a group":           {groupWorld, []string{"a", "b"}, forget("b")},
		"configure one of a group":    {groupWorld, []string{"a"}, write("b")},
		"delete one of a group":       {groupWorld, []string{"a", "b"}, deletion("b")},
		"move into a group":           {groupWorld, []string{"a", "z"}, move},
		"create another of the group": {groupWorld, []string{"a"}, func(ctx context.Context, w *world) error { return service(ctx, w, "new", "acme") }},
	} {
		for _, takes := range []time.Duration{500 * time.Millisecond, 20 * time.Second} {
			t.Run(fmt.Sprintf("%s/%s", name, takes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(&storage{})
					brake.prepare(t, w)
					f := w.flooded(t, takes, 240, brake.flooded...)
					assert.GreaterOrEqual(t, f.outcomes[backend.CodeBusy], 240-2*33, "few wait")
					begun := time.Now()
					require.NoError(t, brake.do(t.Context(), w))
					assert.LessOrEqual(t, time.Since(begun), min(2*takes, 10*time.Second), "one check of each record at most, and not for long")
					f.Wait()
				})
			})
		}
	}
}

// What was sent before a credential was forgotten does not bring one back afterwards.
func TestForgettingEndsTheChecksThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(&storage{})
		keyWorld(t, w)
		f := w.flooded(t, time.Second, 2, "a")
		for range 3 {
			f.Go(func() {
				_, err := w.Swaps.Reauth(t.Context(), "a", entry("mallory@example.com", "works"), backend.Actor{})
				requireCode(t, err, backend.CodeBusy)
			})
		}
		synctest.Wait()
		_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		f.Wait()
		assert.Empty(t, w.restarted().key(t))
		w.reauth(t, entry("mia@example.com", "later"))
		assert.Equal(t, "later", w.key(t))
	})
}

// A check that made way changes nothing, whatever the upstream says too late, and says so.
func TestACheckThatMakesWayChangesNothing(t *testing.T) {
	for name, try := range map[string]act{
		"reauth": reauthentication(entry("mia@example.com", "works")),
		"rollback": func(ctx context.Context, w *world) error {
			return of(w.Swaps.Rollback(ctx, "a", backend.Actor{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				replacedWorld(t, w)
				f := w.flooded(t, time.Hour, 0)
				f.Go(func() {
					refusal := requireCode(t, try(t.Context(), w), backend.CodeBusy)
					assert.Contains(t, refusal.Message, "version 2 stays in use")
				})
				synctest.Wait()
				s := providers.Settings{}.Clone()
				s.Texts["description"] = "changed"
				require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: s}))
				f.Wait()
				assert.Equal(t, "old", w.key(t))
			})
		})
	}
}

// A code that could not wait was not used: the person sends it again.
func TestACodeThatWasTurnedAwayStillWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		consentWorld(t, w)
		release := make(chan struct{})
		w.server.hold = func(context.Context) { <-release }
		var f sync.WaitGroup
		first := w.flow
		exchange := func(state string) error {
			return of(w.confirms(t.Context(), state, "code", backend.Actor{}))
		}
		for range 33 {
			state, _ := w.authorize(t, "app")
			f.Go(func() { _ = exchange(state) })
		}
		synctest.Wait()
		second, _ := w.authorize(t, "app")
		requireCode(t, exchange(second), backend.CodeBusy)
		close(release)
		f.Wait()
		require.NoError(t, exchange(second))
		require.NoError(t, exchange(first))
	})
}

// Nor does an upstream that never answers, of which a rotation has left something to remove.
func TestForgettingDoesNotWaitForASilentUpstream(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *world){"to finish": pendingWorld, "to adopt": cutOffWorld} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sleepy(&storage{})
				prepare(t, w)
				w.bank.silent = true
				begun := time.Now()
				require.NoError(t, forgetting(t.Context(), w))
				assert.LessOrEqual(t, time.Since(begun), 15*time.Second)
				assert.Empty(t, w.restarted().key(t))
				assert.Empty(t, storedKeys(t, w.storage, "rotating/"))
			})
		})
	}
}
