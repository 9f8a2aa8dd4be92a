package mounted_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// journal are the swaps that were told, with what was stored in that moment.
type journal struct {
	mu    sync.Mutex
	swaps []backend.Swap
}

func (j *journal) follows(t *testing.T, w *world) {
	t.Helper()
	w.SwapsTo(func(s backend.Swap) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.swaps = append(j.swaps, s)
	})
}

// Every way of changing a credential is told once, as the history has it.
func TestEverySwapIsTold(t *testing.T) {
	who := backend.Actor{Via: "asked", RequestID: "request-7", EntityID: "entity"}
	itself := func(via string) backend.Actor { return backend.Actor{Via: via} }
	for name, c := range map[string]struct {
		prepare     func(*testing.T, *world)
		do          act
		integration string
		cause       backend.Cause
		by          backend.Actor
		also        []string
	}{
		"reauth": {keyWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), who))
		}, "a", backend.CauseReauth, who, nil},
		"reauth of a group": {groupWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), who))
		}, "a", backend.CauseReauth, who, []string{"b"}},
		"forget": {keyWorld, func(ctx context.Context, w *world) error { return of(w.Swaps.Forget(ctx, "a", who)) }, "a", backend.CauseForget, who, nil},
		"forget for a group": {groupWorld, func(ctx context.Context, w *world) error {
			return of(w.Swaps.Forget(ctx, "b", who))
		}, "b", backend.CauseForget, who, []string{"a"}},
		"rollback": {replacedWorld, func(ctx context.Context, w *world) error { return of(w.Swaps.Rollback(ctx, "a", who)) }, "a", backend.CauseRollback, who, nil},
		"rotate":   {rotatableWorld(true), func(ctx context.Context, w *world) error { return of(w.Swaps.Rotate(ctx, "a", who)) }, "a", backend.CauseRotate, who, nil},
		"rotate without overlap": {rotatableWorld(false), func(ctx context.Context, w *world) error {
			return of(w.Swaps.Rotate(ctx, "a", who))
		}, "a", backend.CauseRotate, who, nil},
		"rotate by itself": {dueKeyWorld(true), steps(13 * time.Hour), "a", backend.CauseRotate, itself("auto_rotate"), nil},
		"adoption":         {cutOffWorld, steps(0), "a", backend.CauseRotate, backend.Actor{}, nil},
		"rotate tokens":    {appWorld, func(ctx context.Context, w *world) error { return of(w.Swaps.Rotate(ctx, "app", who)) }, "app", backend.CauseRotate, who, nil},
		"callback": {consentWorld, func(ctx context.Context, w *world) error {
			return of(w.confirms(ctx, w.flow, "code", who))
		}, "app", backend.CauseReauth, backend.Actor{Via: who.Via, RequestID: who.RequestID}, nil},
		"refresh for a reader": {dueWorld, func(ctx context.Context, w *world) error {
			return of(w.Handouts.HandOut(ctx, "app", "", who, nil))
		}, "app", backend.CauseRefresh, who, nil},
		"refresh for a check": {dueWorld, func(ctx context.Context, w *world) error { return of(w.Watch.Check(ctx, "app")) }, "app", backend.CauseRefresh, itself("health/app"), nil},
		"refresh for a check that somebody asked for": {dueWorld, func(ctx context.Context, w *world) error {
			return of(w.Watch.Check(backend.AskedBy(ctx, who), "app"))
		}, "app", backend.CauseRefresh, who, nil},
		"refresh without room in the history": {func(t *testing.T, w *world) {
			t.Helper()
			dueWorld(t, w)
			require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"history_limit": 1}}))
		}, func(ctx context.Context, w *world) error {
			return of(w.Handouts.HandOut(ctx, "app", "", who, nil))
		}, "app", backend.CauseRefresh, who, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(&storage{})
			c.prepare(t, w)
			w = w.restarted()
			var j journal
			j.follows(t, w)
			require.NoError(t, c.do(t.Context(), w))
			require.Len(t, j.swaps, 1)
			_, record, err := w.restarted().Credentials.Read(t.Context(), c.integration)
			require.NoError(t, err)
			told := j.swaps[0]
			assert.Equal(t, c.integration, told.Integration)
			assert.NotEmpty(t, told.Provider)
			assert.Equal(t, c.also, told.AlsoUpdated)
			assert.Equal(t, c.cause, told.Cause)
			assert.Equal(t, record.Version, told.Version)
			if record.Current != nil {
				assert.Equal(t, record.Current.Fingerprint, told.Fingerprint)
			} else {
				assert.Equal(t, record.History[0].Fingerprint, told.Fingerprint)
			}
			if name != "callback" {
				assert.Equal(t, c.by, told.Actor)
			}
			if name != "refresh without room in the history" {
				assert.Equal(t, record.History[0], told.HistoryEntry)
			}
		})
	}
}

// It is told after it is stored, also where the client has gone or storage says that it
// failed and carried it out; and what is not stored is not told.
func TestASwapIsToldOnceItIsStored(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		told  int
	}{"stored": {works, 1}, "failed": {fails, 0}, "failed behind": {failsBehind, 1}} {
		for _, gone := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				store := &storage{}
				w := newWorld(store)
				keyWorld(t, w)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				var j journal
				j.follows(t, w)
				store.reset(func(_ int, call string) fault {
					if call != "Put credentials/a" {
						return works
					}
					assert.Empty(t, j.swaps, "not before it is stored")
					if gone {
						leave()
					}
					return c.fault
				})
				_, _ = w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{RequestID: "r"})
				assert.Len(t, j.swaps, c.told)
				store.reset(nil)
			})
		}
	}
	w := newWorld(&logical.InmemStorage{})
	keyWorld(t, w)
	var j journal
	j.follows(t, w)
	w.reauth(t, entry("mia@example.com", "old"))
	w.upstream.refuses(failure(providers.Rejected))
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "bad"), backend.Actor{})
	require.Error(t, err)
	_, err = w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	assert.Empty(t, j.swaps, "nothing was swapped")
}
