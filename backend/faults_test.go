package backend_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// operations is everything that touches storage, on a world that has integration
// "a" with credential "old".
func operations() map[string]func(context.Context, *world) error {
	return map[string]func(context.Context, *world) error{
		"create": func(ctx context.Context, w *world) error {
			return w.Integrations.Write(ctx, "b", backend.Draft{Create: true, Provider: "fake", AuthType: "key"})
		},
		"change": func(ctx context.Context, w *world) error {
			return w.Integrations.Write(ctx, "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("description", "changed")})
		},
		"move": func(ctx context.Context, w *world) error {
			err := w.Integrations.Write(ctx, "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("team", "other")})
			if err == nil || backend.HasCode(err, backend.CodeCredentialPresent) {
				return nil
			}
			return err
		},
		"read":   func(ctx context.Context, w *world) error { _, err := w.Integrations.Read(ctx, "a"); return err },
		"list":   func(ctx context.Context, w *world) error { _, err := w.Integrations.List(ctx); return err },
		"delete": func(ctx context.Context, w *world) error { return w.Integrations.Delete(ctx, "a") },
		"reauth": func(ctx context.Context, w *world) error {
			_, err := w.Credentials.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{})
			return err
		},
		"validate": func(ctx context.Context, w *world) error {
			_, err := w.Credentials.Validate(ctx, "a", entry("mia@example.com", "new"))
			return err
		},
		"creds": func(ctx context.Context, w *world) error { _, _, err := w.Credentials.Read(ctx, "a"); return err },
		"forget": func(ctx context.Context, w *world) error {
			_, err := w.Credentials.Forget(ctx, "a", backend.Actor{})
			return err
		},
		"read mount": func(ctx context.Context, w *world) error { _, err := w.Mount.Read(ctx); return err },
		"write mount": func(ctx context.Context, w *world) error {
			return w.Mount.Write(ctx, providers.Settings{Numbers: map[string]int64{"creds_ttl": 60}})
		},
	}
}

// Every storage call of every operation is made to fail, doing nothing or doing
// its work all the same, with cold and with warm caches. What is left must be
// the state before or the state after.
func TestStorageFaults(t *testing.T) {
	for name, operation := range operations() {
		for _, warm := range []bool{false, true} {
			for _, f := range []fault{fails, failsBehind} {
				t.Run(fmt.Sprintf("%s/warm=%t/fault=%d", name, warm, f), func(t *testing.T) {
					testFaults(t, operation, warm, f)
				})
			}
		}
	}
}

func testFaults(t *testing.T, operation func(context.Context, *world) error, warm bool, f fault) {
	t.Helper()
	prepare := func() (*storage, *world) {
		store := &storage{}
		w := newWorld(store)
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "old"))
		if !warm {
			w = w.restarted()
		}
		return store, w
	}
	store, w := prepare()
	store.reset(nil)
	require.NoError(t, operation(t.Context(), w))
	calls := store.made()
	if !warm {
		require.NotEmpty(t, calls, "a cold operation touches storage")
	}
	for n := range calls {
		store, w := prepare()
		store.reset(func(i int, _ string) fault {
			if i == n+1 {
				return f
			}
			return works
		})
		err := operation(t.Context(), w)
		store.reset(nil)
		require.ErrorIs(t, err, errDisk, "call %d (%s) failed and nobody said so", n+1, calls[n])
		assertWhole(t, w)
		assertWhole(t, w.restarted())
		require.NoError(t, operation(t.Context(), w), "it works once storage does")
		assertWhole(t, w)
	}
}

// assertWhole checks that "a" is as it was or as an operation leaves it, that its
// credential and metadata belong together, and that no secret is orphaned.
func assertWhole(t *testing.T, w *world) {
	t.Helper()
	stored, err := w.storage.List(t.Context(), "credentials/")
	require.NoError(t, err)
	in, record, err := w.Credentials.Read(t.Context(), "a")
	if err != nil {
		requireCode(t, err, backend.CodeUnknownIntegration)
		assert.Empty(t, stored, "a secret without its integration")
		return
	}
	assert.Equal(t, "a", in.Name)
	if record.Current == nil {
		return
	}
	key := record.Current.Credential.Value("key").Reveal()
	assert.Equal(t, map[string]int{"old": 1, "new": 2}[key], min(record.Version, 2), "version %d with %q", record.Version, key)
	assert.Equal(t, record.Version, record.History[0].Version)
	assert.Equal(t, record.Current.Fingerprint, record.History[0].Fingerprint)
}

// A Put whose outcome nobody knows, with storage unreadable afterwards: readers
// go on with the old credential, and writers do not build on a guess.
func TestReadersAreServedWhileStorageIsDown(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "old"))
	store.reset(func(int, string) fault { return failsBehind })

	_, err := w.Credentials.Reauth(t.Context(), "a", entry("mia@example.com", "new"), backend.Actor{})
	require.ErrorIs(t, err, errDisk)
	assert.Equal(t, "old", w.key(t))
	_, err = w.Credentials.Reauth(t.Context(), "a", entry("mia@example.com", "third"), backend.Actor{})
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
	_, err := w.Credentials.Reauth(ctx, "a", entry("mia@example.com", "new"), backend.Actor{})
	require.Error(t, err)
	assert.Equal(t, "new", w.key(t))
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
