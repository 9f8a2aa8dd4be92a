package mounted_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// rotating is a provider whose upstream makes successors: as SonarQube does, where both
// live until one is revoked, or as GitLab does, where the old one dies at once.
type rotating struct {
	*upstream
	bank *bank
}

var _ providers.Rotator = rotating{}

// bank is what the upstream of rotating knows.
type bank struct {
	mu       sync.Mutex
	made     int
	living   map[string]string    // key → name; "" for one that a person made
	ends     map[string]time.Time // key → end
	rotates  []string             // keys that were rotated, each time
	overlaps bool
	life     time.Duration
	now      func() time.Time
	// down fails everything, refuses fails Rotate; lost carries it out and breaks the
	// connection; hold is called after it was carried out.
	down, refuses error
	lost          bool
	hold          func()
	silent        bool // never answers what comes now
}

// waits is until the caller gives up, if the bank is silent.
func (b *bank) waits(ctx context.Context) error {
	b.mu.Lock()
	silent := b.silent
	b.mu.Unlock()
	if !silent {
		return nil
	}
	<-ctx.Done()
	return failure(providers.Unreachable)
}

func (rotating) Spec() providers.Spec {
	return providers.Spec{
		Name: "rotating", Title: "Rotating", DefaultURL: "https://rotating.example.com", Rotation: "of course",
		Settings: []providers.Field{
			{Name: "auto_rotate", Kind: providers.Flag}, {Name: "rotate_before", Kind: providers.Duration},
		},
		AuthTypes: []providers.AuthType{{Name: "key", Fields: []providers.Field{{Name: "key", Kind: providers.Token, Required: true}, {Name: "expires_at", Kind: providers.Time}}}},
	}
}

func (b *bank) alive(key string) bool {
	_, lives := b.living[key]
	end, ends := b.ends[key]
	return lives && (!ends || b.now().Before(end))
}

func (r rotating) Validate(ctx context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
	if err := r.bank.waits(ctx); err != nil {
		return providers.Verified{}, err
	}
	r.bank.mu.Lock()
	defer r.bank.mu.Unlock()
	key := cred.Value("key").Reveal()
	switch {
	case r.bank.down != nil:
		return providers.Verified{}, r.bank.down
	case !r.bank.alive(key):
		return providers.Verified{}, failure(providers.Rejected)
	}
	r.takes(cred)
	return providers.Verified{Identity: "robot", AccountID: "1", ExpiresAt: r.bank.ends[key]}, nil
}

func (rotating) RotationUnsupported(providers.Target) string { return "" }
func (r rotating) Overlaps() bool                            { return r.bank.overlaps }

func (r rotating) Prepare(_ context.Context, _ providers.Target, _ providers.Credential, want providers.RotationWish) (providers.Rotation, error) {
	r.bank.mu.Lock()
	defer r.bank.mu.Unlock()
	if r.bank.down != nil {
		return nil, r.bank.down
	}
	return providers.Rotation{"name": fmt.Sprintf("made-%d", r.bank.made+1), "replaces": want.Made["name"]}, nil
}

func (r rotating) Rotate(_ context.Context, _ providers.Target, cred providers.Credential, plan providers.Rotation) (providers.Successor, error) {
	b, key := r.bank, cred.Value("key").Reveal()
	b.mu.Lock()
	b.rotates = append(b.rotates, key)
	if err := firstOf(b.down, b.refuses); err != nil {
		b.mu.Unlock()
		return providers.Successor{}, err
	}
	b.made++
	next := fmt.Sprintf("made-key-%d", b.made)
	b.living[next] = plan["name"]
	if b.life > 0 {
		b.ends[next] = b.now().Add(b.life)
	}
	if !b.overlaps {
		delete(b.living, key)
	}
	end, hold, lost := b.ends[next], b.hold, b.lost
	b.mu.Unlock()
	if hold != nil {
		hold()
	}
	if lost {
		return providers.Successor{}, failure(providers.Unreachable)
	}
	return providers.Successor{Credential: keyOnly(next), ExpiresAt: end}, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func keyOnly(key string) providers.Credential {
	return providers.NewCredential(map[string][]providers.Secret{"key": {providers.NewSecret(key)}})
}

func (r rotating) Finish(ctx context.Context, _ providers.Target, _ providers.Credential, plan providers.Rotation) error {
	if err := r.bank.waits(ctx); err != nil {
		return err
	}
	r.bank.mu.Lock()
	defer r.bank.mu.Unlock()
	if r.bank.down != nil {
		return r.bank.down
	}
	r.bank.revoke(plan["replaces"])
	return nil
}

func (r rotating) Recover(ctx context.Context, _ providers.Target, cred providers.Credential, plan providers.Rotation) (bool, error) {
	if err := r.bank.waits(ctx); err != nil {
		return false, err
	}
	r.bank.mu.Lock()
	defer r.bank.mu.Unlock()
	if r.bank.down != nil {
		return false, r.bank.down
	}
	if r.bank.overlaps {
		r.bank.revoke(plan["name"])
	}
	return r.bank.alive(cred.Value("key").Reveal()), nil
}

func (b *bank) revoke(name string) {
	for key, own := range b.living {
		if own == name && name != "" {
			delete(b.living, key)
		}
	}
}

// rotatingWorld has integration "a" with a key that a person made, for 30 days.
func rotatingWorld(t *testing.T, store logical.Storage, overlaps bool, settings ...string) *world {
	t.Helper()
	w := newWorld(store)
	rotatable(t, w, overlaps, settings...)
	return w
}

func rotatable(t *testing.T, w *world, overlaps bool, settings ...string) {
	t.Helper()
	w.bank.overlaps = overlaps
	s := providers.Settings{}.Clone()
	s.Flags["auto_rotate"] = len(settings) > 0
	require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Create: true, Provider: "rotating", AuthType: "key", Settings: s}))
	w.bank.living["first-key"] = ""
	w.bank.life = 30 * 24 * time.Hour
	w.bank.ends["first-key"] = w.clock.now().Add(w.bank.life)
	w.reauth(t, backend.Entry{Credential: keyOnly("first-key")})
}

func TestRotate(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		store := &storage{}
		w := rotatingWorld(t, store, overlaps)
		change, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{Via: "rotate/a", EntityID: "e"})
		require.NoError(t, err)
		assert.Equal(t, 2, change.After.Version)
		assert.Equal(t, backend.CauseRotate, change.After.History[0].Cause)
		assert.Equal(t, "e", change.After.History[0].EntityID)
		assert.Equal(t, "made-key-1", w.restarted().key(t))
		assert.Equal(t, w.clock.now().Add(30*24*time.Hour), change.After.Current.ExpiresAt)
		assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
		pending, err := store.List(t.Context(), "rotating/")
		require.NoError(t, err)
		assert.Equal(t, overlaps, len(pending) == 1, "what it replaced lives as long as one can go back to it")

		_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
		assert.Equal(t, "made-key-3", w.key(t))
		want := map[string]string{"made-key-3": "made-3"}
		if overlaps { // what a person made is nobody's to revoke; what the engine made is
			want["first-key"] = ""
			want["made-key-2"] = "made-2"
		}
		assert.Equal(t, want, w.bank.living)
		delete(want, "made-key-2")
		w.clock.advance(24 * time.Hour)
		sweep := w.Sweeper.Sweep()
		require.NoError(t, sweep.Step(t.Context()))
		sweep.Wait()
		assert.Equal(t, want, w.bank.living, "the window is over")
		assert.Len(t, w.events.of(backend.EventRotate), 3)
	}
}

// Whoever goes back leaves the successor to nobody: it is revoked when the window is
// over, and what is in use is not.
func TestRollbackOfARotation(t *testing.T) {
	w := rotatingWorld(t, &storage{}, true)
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	_, err = w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, "first-key", w.key(t))
	for range 2 {
		w.clock.advance(24 * time.Hour)
		sweep := w.Sweeper.Sweep()
		require.NoError(t, sweep.Step(t.Context()))
		sweep.Wait()
	}
	assert.Equal(t, map[string]string{"first-key": ""}, w.bank.living)
	assert.Equal(t, "first-key", w.key(t))
	w = rotatingWorld(t, &storage{}, false)
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	_, err = w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	requireCode(t, err, backend.CodeNothingToRollBack)
}

func TestRotateUnsupported(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	requireCode(t, err, backend.CodeRotateUnsupported)
	_, err = w.Swaps.Rotate(t.Context(), "nobody", backend.Actor{})
	requireCode(t, err, backend.CodeUnknownIntegration)
	w = rotatingWorld(t, &storage{}, true)
	_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	requireCode(t, err, backend.CodeNoCredential)
}

// OAuth tokens are renewed now, due or not.
func TestRotateOAuth(t *testing.T) {
	w := withApp(t, &storage{})
	change, err := w.Swaps.Rotate(t.Context(), "app", backend.Actor{Via: "rotate/app"})
	require.NoError(t, err)
	assert.Equal(t, 2, change.After.Version)
	assert.Equal(t, "access-2", w.token(t))
	_, err = w.Swaps.Rollback(t.Context(), "app", backend.Actor{})
	requireCode(t, err, backend.CodeNothingToRollBack)
	w.server.fails(failure(providers.Unreachable))
	_, err = w.Swaps.Rotate(t.Context(), "app", backend.Actor{})
	requireCode(t, err, "upstream_unreachable")
	assert.Equal(t, "access-2", w.token(t))
}

// Without storage nothing is sent, and a refusal leaves everything as it was.
func TestRotateThatIsRefused(t *testing.T) {
	store := &storage{}
	w := rotatingWorld(t, store, false)
	store.reset(func(_ int, call string) fault {
		if call == "Put rotating/a" {
			return fails
		}
		return works
	})
	_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	require.Error(t, err)
	assert.Empty(t, w.bank.rotates)
	store.reset(nil)
	for _, o := range []providers.Outcome{providers.InsufficientScope, providers.RateLimited, providers.Rejected} {
		w.bank.refuses = failure(o)
		_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		requireCode(t, err, string(o))
		pending, err := store.List(t.Context(), "rotating/")
		require.NoError(t, err)
		assert.Empty(t, pending)
		assert.Equal(t, "first-key", w.key(t))
	}
	w.bank.refuses, w.bank.down = nil, failure(providers.UpstreamError)
	sent := len(w.bank.rotates)
	_, err = w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
	requireCode(t, err, "upstream_error")
	assert.Len(t, w.bank.rotates, sent, "an upstream that is down is not asked to rotate")
}

// The answer is lost on the way. Where the old key lives on nothing is lost; where it
// does not, the integration says so at once.
func TestRotateWhoseAnswerIsLost(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := rotatingWorld(t, &storage{}, overlaps)
		w.bank.lost = true
		_, err := w.Swaps.Rotate(t.Context(), "a", backend.Actor{})
		if overlaps {
			requireCode(t, err, "upstream_unreachable")
			assert.Equal(t, map[string]string{"first-key": ""}, w.bank.living, "the successor that nobody has is revoked")
			assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
			continue
		}
		refused := requireCode(t, err, "credential_rejected")
		assert.Contains(t, refused.Message, "was lost")
		assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"))
		assert.Equal(t, backend.StatusNeedsReauth, w.restarted().status(t, "a"))
		assert.Equal(t, []string{"first-key"}, w.bank.rotates)
	}
}

// Storage fails, or the engine is killed, at every step of a rotation. The next engine
// takes it up: what it then serves works, or it says that it does not; no key is
// rotated twice where that would be fatal, and none is left that nobody knows of.
func TestRotationCutOffAnywhere(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		for _, f := range []fault{fails, failsBehind} {
			for at := 1; ; at++ {
				store := &storage{}
				w := rotatingWorld(t, store, overlaps)
				cut := false
				store.reset(func(n int, _ string) fault {
					if cut = cut || n >= at; cut {
						if n == at {
							return f
						}
						return fails // nothing works after that: it is the end of this engine
					}
					return works
				})
				_, _ = w.Swaps.Rotate(t.Context(), "a", backend.Actor{Via: "rotate/a"})
				store.reset(nil)
				w = w.restarted()
				for range 2 {
					w.clock.advance(24 * time.Hour)
					sweep := w.Sweeper.Sweep()
					require.NoError(t, sweep.Step(t.Context()))
					sweep.Wait()
				}
				what := fmt.Sprintf("overlaps=%t fault=%d at storage call %d", overlaps, f, at)
				healthyMeansAlive(t, w, what)
				if !cut {
					break
				}
			}
		}
	}
}

func healthyMeansAlive(t *testing.T, w *world, what string) {
	t.Helper()
	served := w.key(t)
	w.bank.mu.Lock()
	defer w.bank.mu.Unlock()
	if !w.bank.alive(served) {
		assert.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"), "%s: a dead key is served as healthy", what)
	}
	rotated := map[string]int{}
	for _, key := range w.bank.rotates {
		rotated[key]++
	}
	for key, times := range rotated {
		assert.Equal(t, 1, times, "%s: %s", what, key)
	}
	for key, name := range w.bank.living {
		if w.bank.overlaps {
			assert.True(t, name == "" || key == served, "%s: %s is left behind", what, key)
		}
	}
	pending, err := w.storage.List(t.Context(), "rotating/")
	require.NoError(t, err)
	assert.Empty(t, pending, what)
}

// A year by itself: nothing ends, and nothing is rotated more often than needed.
func TestAutoRotate(t *testing.T) {
	for _, overlaps := range []bool{true, false} {
		w := rotatingWorld(t, &storage{}, overlaps, "auto_rotate")
		require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"health_check_interval": 0}}))
		sweep, until := w.Sweeper.Sweep(), w.clock.now().Add(365*24*time.Hour)
		outage := w.clock.now().Add(100 * 24 * time.Hour)
		for w.clock.now().Before(until) {
			now := w.clock.now()
			down := now.After(outage) && now.Before(outage.Add(5*24*time.Hour))
			w.bank.mu.Lock()
			w.bank.down = nil
			if down {
				w.bank.down = failure(providers.Unreachable)
			}
			before := len(w.bank.rotates)
			w.bank.mu.Unlock()
			require.NoError(t, sweep.Step(t.Context()))
			sweep.Wait()
			w.bank.mu.Lock()
			assert.True(t, w.bank.alive(w.key(t)), "at %s", now)
			assert.False(t, down && len(w.bank.rotates) > before, "no rotation while the upstream is down")
			w.bank.mu.Unlock()
			w.clock.advance(6 * time.Hour)
		}
		assert.InDelta(t, 365/20, len(w.bank.rotates), 2, "a key of 30 days is rotated after 20")
	}
}

func TestAutoRotateInTrouble(t *testing.T) {
	w := rotatingWorld(t, &storage{}, true, "auto_rotate")
	w.bank.refuses = failure(providers.InsufficientScope)
	sweep := w.Sweeper.Sweep()
	w.clock.advance(20*24*time.Hour + time.Minute)
	for range 24 * 6 {
		require.NoError(t, sweep.Step(t.Context()))
		sweep.Wait()
		w.clock.advance(10 * time.Minute)
	}
	assert.Less(t, len(w.bank.rotates), 10, "it rests longer and longer")
	assessed, err := w.Watch.Health(t.Context(), "a")
	require.NoError(t, err)
	require.NotNil(t, assessed.Trouble)
	assert.Equal(t, "insufficient_scope", assessed.Trouble.Code)
	assert.NotEmpty(t, w.events.of(backend.EventRotate))
	w.bank.refuses = nil
	w.clock.advance(12 * time.Hour)
	require.NoError(t, sweep.Step(t.Context()))
	sweep.Wait()
	assessed, err = w.Watch.Health(t.Context(), "a")
	require.NoError(t, err)
	assert.Nil(t, assessed.Trouble)
	assert.Equal(t, "made-key-1", w.key(t))
}
