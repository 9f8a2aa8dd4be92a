package mounted_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/mounted"
	"vault-plugin-secrets-sei/providers"
)

// A Put whose outcome nobody knows, with storage unreadable afterwards: readers
// go on with the old credential, and writers do not build on a guess.
func TestReadersAreServedWhileStorageIsDown(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	store.reset(func(int, string) fault { return failsBehind })

	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
	require.ErrorIs(t, err, errDisk)
	assert.Equal(t, "old", w.key(t))
	_, err = w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "third"), backend.Actor{})
	require.ErrorIs(t, err, errDisk)

	store.reset(nil)
	assert.Equal(t, "new", w.key(t), "the Put had been carried out")
	assert.Equal(t, 3, w.reauth(t, entry("mia@example.com", "third")).After.Version)
}

// A client that hangs up during the Put must not leave the cache behind storage.
func TestCancelledPut(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	ctx, cancel := context.WithCancel(t.Context())
	store.reset(func(_ int, call string) fault {
		if strings.HasPrefix(call, "Put") {
			cancel()
			return failsBehind
		}
		return works
	})
	_, err := w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{})
	require.Error(t, err)
	assert.Equal(t, "new", w.key(t))
}

// lateStorage answers that the context ended, and carries the Put out later, as
// Vault does when a request is given up while Raft applies it.
type lateStorage struct {
	*storage
	applied chan struct{}
	armed   bool
	hangUp  context.CancelFunc
}

func (s *lateStorage) Put(ctx context.Context, e *logical.StorageEntry) error {
	if !s.armed {
		return s.storage.Put(ctx, e)
	}
	s.armed = false
	s.hangUp()
	select {
	case <-ctx.Done():
		go func() { _ = s.storage.Put(context.WithoutCancel(ctx), e); close(s.applied) }()
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		defer close(s.applied)
		return s.storage.Put(ctx, e)
	}
}

// A request that is given up during the Put does not let go of the lock before
// storage has answered: otherwise the Put could land after somebody else's.
func TestAHangUpDuringThePutDoesNotLoseAVersion(t *testing.T) {
	store := &lateStorage{storage: &storage{}, applied: make(chan struct{})}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "one"))
	ctx, cancel := context.WithCancel(t.Context())
	store.armed, store.hangUp = true, cancel

	_, _ = w.Swaps.Reauth(ctx, "a", entry("mia@example.com", "two"), backend.Actor{})
	third := w.reauth(t, entry("mia@example.com", "three"))
	<-store.applied

	assert.Equal(t, 3, third.After.Version)
	assert.Equal(t, "three", w.restarted().key(t))
	assert.Equal(t, w.key(t), w.restarted().key(t), "what is served is what is stored")
}

// A storage that never answers leaves the outcome open: until a write succeeds,
// what is read is asked of storage each time.
func TestAPutThatNeverAnswersIsNotBelievedEitherWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storage{}
		w := newWorld(store)
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "old"))
		store.mu.Lock()
		store.hold = func(call string) {
			if strings.HasPrefix(call, "Put") {
				time.Sleep(time.Minute)
			}
		}
		store.mu.Unlock()
		store.reset(func(_ int, call string) fault {
			if strings.HasPrefix(call, "Put") {
				return fails
			}
			return works
		})
		_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
		require.ErrorIs(t, err, errDisk)
		store.mu.Lock()
		store.hold = nil
		store.mu.Unlock()
		store.reset(nil)
		assert.Equal(t, "old", w.key(t))
		assert.Equal(t, "old", w.key(t))
		assert.Equal(t, []string{"Get credentials/a", "Get credentials/a"}, store.made())
		w.reauth(t, entry("mia@example.com", "newer"))
		store.reset(nil)
		assert.Equal(t, "newer", w.key(t))
		assert.Empty(t, store.made(), "cached again")
	})
}

func TestANewIntegrationDoesNotInheritASecret(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	require.NoError(t, store.Delete(t.Context(), "integrations/a"))

	w = w.restarted()
	w.create(t, "a", "key")
	assert.Empty(t, w.key(t))
	assert.Empty(t, w.restarted().key(t))
}

func TestWhatThisBuildDoesNotKnowCanBeDeleted(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	old := mounted.New(store, providers.NewRegistry(), w.clock.now, w.events.take)
	_, _, err := old.Credentials.Read(t.Context(), "a")
	requireCode(t, err, backend.CodeUnknownProvider)
	require.NoError(t, old.Integrations.Delete(t.Context(), "a"))
	left, err := store.List(t.Context(), "credentials/")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestACheckThatPanicsCouldNotTell(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		panic("canary-secret")
	})
	_, err := w.Swaps.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
	refusal := requireCode(t, err, "upstream_error")
	assert.NotContains(t, refusal.Message, "canary-secret")
	assert.Equal(t, "old", w.key(t))
}

// A reader that read storage before a write must not publish after it.
func TestSlowReaderDoesNotBringAnOldCredentialBack(t *testing.T) {
	store := &storage{}
	warm := newWorld(store)
	warm.create(t, "a", "key")
	warm.reauth(t, entry("mia@example.com", "old"))

	w := warm.restarted()
	read, resume := make(chan struct{}), make(chan struct{})
	first := true
	store.mu.Lock()
	store.hold = func(call string) {
		if call == "Get credentials/a" && first {
			first = false
			close(read)
			<-resume
		}
	}
	store.mu.Unlock()
	finished := make(chan string, 1)
	go func() {
		_, record, err := w.Credentials.Read(context.Background(), "a")
		assert.NoError(t, err)
		finished <- record.Current.Credential.Value("key").Reveal()
	}()
	<-read
	w.reauth(t, entry("mia@example.com", "new"))
	close(resume)
	assert.Equal(t, "old", <-finished, "it began before the write")
	assert.Equal(t, "new", w.key(t))
}

func TestDamagedRecordsAreErrorsThatQuoteNothing(t *testing.T) {
	for name, raw := range map[string]string{
		"not JSON":             `canary-secret`,
		"wrong type":           `{"version":"canary-secret"}`,
		"without fields":       `{"version":1,"current":{"fingerprint":"canary-secret"}}`,
		"empty":                ``,
		"fields of wrong type": `{"version":1,"current":{},"fields":{"key":"canary-secret"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			store := &storage{}
			w := newWorld(store)
			w.create(t, "a", "key")
			require.NoError(t, store.Put(t.Context(), entryOf("credentials/a", raw)))
			_, _, err := w.restarted().Credentials.Read(t.Context(), "a")
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "canary-secret")
		})
	}
	t.Run("of another integration", func(t *testing.T) {
		store := &storage{}
		w := newWorld(store)
		w.create(t, "a", "key")
		raw, err := store.InmemStorage.Get(t.Context(), "integrations/a")
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), entryOf("integrations/b", string(raw.Value))))
		_, err = w.Integrations.Read(t.Context(), "b")
		require.ErrorContains(t, err, `the record is of integration "a"`)
	})
}
