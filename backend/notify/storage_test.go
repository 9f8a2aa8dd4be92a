package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// faulty is a storage that refuses writes, and counts calls.
type faulty struct {
	logical.Storage
	mu       sync.Mutex
	refusing bool
	puts     int
	largest  int
	calls    int
}

func (f *faulty) refuse(refusing bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusing = refusing
}

func (f *faulty) write(size int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puts++
	f.calls++
	f.largest = max(f.largest, size)
	if f.refusing {
		return errors.New("storage: no space left")
	}
	return nil
}

func (f *faulty) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if err := f.write(len(entry.Value)); err != nil {
		return err
	}
	return f.Storage.Put(ctx, entry)
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	if err := f.write(0); err != nil {
		return err
	}
	return f.Storage.Delete(ctx, key)
}

func (f *faulty) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	f.mu.Lock()
	f.calls++
	f.mu.Unlock()
	return f.Storage.Get(ctx, key)
}

func (f *faulty) counts() (puts, largest, calls int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.puts, f.largest, f.calls
}

// late is a storage that answers no write of a target, and carries it out later.
type late struct {
	logical.Storage
	late atomic.Bool
}

func (l *late) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if !l.late.Load() {
		return l.Storage.Put(ctx, entry)
	}
	<-ctx.Done()
	time.AfterFunc(time.Minute, func() { _ = l.Storage.Put(context.WithoutCancel(ctx), entry) })
	return ctx.Err()
}

func (l *late) Delete(ctx context.Context, key string) error {
	if !l.late.Load() {
		return l.Storage.Delete(ctx, key)
	}
	<-ctx.Done()
	time.AfterFunc(time.Minute, func() { _ = l.Storage.Delete(context.WithoutCancel(ctx), key) })
	return ctx.Err()
}

// A write of a target that storage carries out after it was given up comes into force.
func TestAWriteThatIsCarriedOutLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &late{Storage: &logical.InmemStorage{}}
		w := newWorld(t, storage)
		w.target("gone")
		wait(time.Second)
		storage.late.Store(true)
		s := providers.Settings{}.Clone()
		s.Secrets["url"] = providers.NewSecret("https://new/hook")
		require.Error(t, w.Write(t.Context(), "new", "sei/", s))
		require.Error(t, w.Delete(t.Context(), "gone"))
		wait(2 * time.Minute)
		storage.late.Store(false)
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		assert.Empty(t, w.said("gone"))
		assert.Equal(t, []string{"jira needs_reauth"}, w.said("new"))
	})
}

// With ten thousand integrations that all change, entries stay small, and a message costs
// less than a write.
func TestEntriesStaySmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &faulty{Storage: &logical.InmemStorage{}}
		w := newWorld(t, storage)
		const n = 10_000
		w.fleet.is(backend.StatusHealthy, named(n)...)
		w.target("ops", list("events", "needs_reauth", "recovered", "reauth"))
		wait(time.Minute)
		puts, _, _ := storage.counts()
		assert.LessOrEqual(w.t, puts, 1, "of what is well nothing is stored")
		w.fleet.is(backend.StatusNeedsReauth, named(n)...)
		wait(5 * time.Minute)
		require.Len(w.t, w.said("ops"), n)
		w.fleet.is(backend.StatusHealthy, named(n)...)
		wait(5 * time.Minute)
		require.Len(w.t, w.said("ops"), 2*n)
		puts, largest, _ := storage.counts()
		assert.Less(w.t, largest, 64<<10)
		assert.Less(w.t, puts, n/2)
		w.restart()
		wait(time.Hour)
		assert.Len(w.t, w.post.at("ops"), 2*n)
	})
}

// With no target nothing is read or written but the list of them, once.
func TestNoTargetCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		storage := &faulty{Storage: &logical.InmemStorage{}}
		w := newWorld(t, storage)
		w.fleet.is(backend.StatusNeedsReauth, named(100)...)
		wait(24 * time.Hour)
		puts, _, calls := storage.counts()
		assert.Zero(w.t, puts)
		assert.Zero(w.t, calls)
		assert.Zero(w.t, testing.AllocsPerRun(100, func() { w.Changed("integration-00001") }))
	})
}

// What a target was told goes with it, also where its deletion was cut off.
func TestWhatWasToldGoesWithTheTarget(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		require.NotEmpty(w.t, keys(w.t, w.storage, "notified/"))
		require.NoError(w.t, w.Delete(w.t.Context(), "ops"))
		wait(time.Second)
		assert.Empty(w.t, keys(w.t, w.storage, ""))
		require.NoError(w.t, w.storage.Put(w.t.Context(), &logical.StorageEntry{Key: "notified/orphan/00", Value: []byte("{}")}))
		w.restart()
		wait(time.Second)
		assert.Empty(w.t, keys(w.t, w.storage, ""))
		w.target("ops")
		wait(2 * time.Minute)
		assert.Len(w.t, w.post.at("ops"), 2, "another target of the name begins anew")
	})
}

func keys(t *testing.T, storage logical.Storage, prefix string) []string {
	t.Helper()
	found, err := logical.CollectKeysWithPrefix(t.Context(), storage, prefix)
	require.NoError(t, err)
	return found
}

// The address and the key are in entries that Vault wraps, and nowhere else.
func TestSecretsAreStoredApart(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops", func(s *providers.Settings) { s.Secrets["signing_key"] = providers.NewSecret(key) })
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		for _, k := range keys(w.t, w.storage, "") {
			entry, err := w.storage.Get(w.t.Context(), k)
			require.NoError(w.t, err)
			secret := strings.Contains(string(entry.Value), "canary") || strings.Contains(string(entry.Value), key)
			assert.Equal(w.t, strings.HasPrefix(k, "notify/"), secret, k)
		}
	})
}

// Going back to this version loses nothing that a newer one stored.
func TestUnknownFieldsAreKept(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		entry, err := w.storage.Get(w.t.Context(), "notify/ops")
		require.NoError(w.t, err)
		var stored map[string]any
		require.NoError(w.t, json.Unmarshal(entry.Value, &stored))
		stored["invite"] = true
		entry.Value, err = json.Marshal(stored)
		require.NoError(w.t, err)
		require.NoError(w.t, w.storage.Put(w.t.Context(), entry))
		w.Invalidate("notify/ops")
		require.NoError(w.t, w.Write(w.t.Context(), "ops", "sei/", providers.Settings{Numbers: map[string]int64{"settle": 5}}))
		entry, err = w.storage.Get(w.t.Context(), "notify/ops")
		require.NoError(w.t, err)
		clear(stored)
		require.NoError(w.t, json.Unmarshal(entry.Value, &stored))
		assert.Equal(w.t, true, stored["invite"])
		assert.Equal(w.t, []string{"id", "invite", "mount", "name", "secrets", "settings"}, slices.Sorted(maps.Keys(stored)))
	})
}

// A target whose entry is damaged is named, as long as it is so, and goes on as it was.
func TestADamagedTargetIsNamed(t *testing.T) {
	inBubble(t, func(w *world) {
		w.target("ops")
		w.target("other")
		wait(time.Minute)
		entry, err := w.storage.Get(w.t.Context(), "notify/ops")
		require.NoError(w.t, err)
		require.NoError(w.t, w.storage.Put(w.t.Context(), &logical.StorageEntry{Key: "notify/ops", Value: []byte("{")}))
		w.Invalidate("notify/ops")
		for range 10 {
			wait(time.Minute)
			faults := w.faulty()
			assert.Len(w.t, faults, 1)
			assert.Equal(w.t, store.ErrUndecodable.Error(), faults["ops"])
		}
		w.fleet.is(backend.StatusNeedsReauth, "jira")
		wait(2 * time.Minute)
		assert.Len(w.t, w.said("ops"), 1)
		assert.Contains(w.t, w.faulty(), "ops", "what it is told does not mend its entry")
		require.NoError(w.t, w.storage.Put(w.t.Context(), entry))
		w.Invalidate("notify/ops")
		wait(time.Minute)
		assert.Empty(w.t, w.faulty())
	})
}
