package mounted_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

const movedURL = "https://elsewhere.example.com"

// move forgets the credential of "app", leads it elsewhere and consents again.
func (w *world) move(t *testing.T, url string) {
	t.Helper()
	_, err := w.Swaps.Forget(t.Context(), "app", backend.Actor{})
	require.NoError(t, err)
	s := texts("url", url)
	s.Secrets["client_secret"] = providers.NewSecret("client-secret-1")
	require.NoError(t, w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: s}))
	w.consent(t)
}

// sendings are the tokens that were sent, and where to.
type sendings struct {
	mu   sync.Mutex
	sent map[string][]string // addresses by token
}

func (s *sendings) note(target providers.Target, cred providers.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sent == nil {
		s.sent = map[string][]string{}
	}
	token := cred.Value("access_token").Reveal() + cred.Value("key").Reveal()
	s.sent[token] = append(s.sent[token], target.URL)
}

// oneAddress demands that no token was sent to two addresses.
func (s *sendings) oneAddress(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, addresses := range s.sent {
		slices.Sort(addresses)
		assert.Len(t, slices.Compact(addresses), 1, "%s was sent to %v", token, addresses)
	}
	assert.Greater(t, len(s.sent), 1)
}

func refusing() (providers.Verified, error) { return providers.Verified{}, failure(providers.Rejected) }

// A check rests between its two questions. Meanwhile the integration was forgotten, moved
// and re-authenticated: the new token is not sent to the host before.
func TestACheckSendsNoNewerTokenElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		w.app(t, "app")
		w.consent(t)
		var sent sendings
		w.upstream.answers(func(_ context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
			sent.note(target, cred)
			if cred.Value("access_token").Reveal() == "access-1" {
				return refusing()
			}
			return providers.Verified{Identity: "mia", AccountID: "1"}, nil
		})
		checked := make(chan error, 1)
		go func() {
			_, err := w.Watch.Check(t.Context(), "app")
			checked <- err
		}()
		time.Sleep(500 * time.Millisecond) // within the pause
		w.move(t, movedURL)
		require.NoError(t, <-checked)
		sent.oneAddress(t)
	})
}

// racing is a storage that does something right before the next read of a record.
type racing struct {
	storage
	race func()
}

func (r *racing) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if race := r.race; race != nil && key == "credentials/app" {
		r.race = nil
		race()
	}
	return r.storage.Get(ctx, key)
}

// The configuration is read, then the record. Between the two everything was replaced.
func TestWhatIsReadBelongsTogether(t *testing.T) {
	for name, older := range map[string]bool{"of this version": false, "of an earlier one": true} {
		t.Run(name, func(t *testing.T) {
			store := &racing{}
			w := withApp(t, store)
			moved := movedURL
			race := func() {
				w.Invalidate("credentials/app") // so that storage is asked
				store.race = func() {
					w.move(t, moved)
					if older {
						w.unbind(t)
					}
					moved += "/again"
				}
			}
			for range 3 {
				race()
				in, record, err := w.Credentials.Read(t.Context(), "app")
				require.NoError(t, err)
				require.Nil(t, store.race, "it was run")
				assert.Equal(t, record.Current.URL, in.Settings.Text("url"))
				race()
				out, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
				require.NoError(t, err)
				assert.Equal(t, out.Record.Current.URL, out.Integration.Settings.Text("url"))
				race()
				var sent sendings
				w.upstream.answers(func(_ context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
					sent.note(target, cred)
					return providers.Verified{Identity: "mia", AccountID: "1"}, nil
				})
				_, err = w.Watch.Check(t.Context(), "app")
				require.NoError(t, err)
				for token, addresses := range sent.sent {
					assert.Len(t, slices.Compact(slices.Sorted(slices.Values(addresses))), 1, token)
				}
			}
		})
	}
}

// edited changes what is stored of the credential, and forgets what is in memory.
func (w *world) edited(t *testing.T, key string, edit func(current map[string]any)) {
	t.Helper()
	fields := w.fields(t, key)
	for _, part := range []string{"current", "previous"} {
		if stored, ok := fields[part].(map[string]any); ok {
			edit(stored)
		}
	}
	data, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NoError(t, w.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: data}))
	w.Invalidate(key)
}

// unbind makes the credential of "app" one that an earlier version stored.
func (w *world) unbind(t *testing.T) {
	t.Helper()
	w.edited(t, "credentials/app", func(current map[string]any) {
		require.NotEmpty(t, current["binding"])
		delete(current, "binding")
	})
}

// A credential that an earlier version stored works, and is bound when it is stored again.
func TestARecordOfAnEarlierVersionIsBound(t *testing.T) {
	w := withApp(t, &storage{})
	w.unbind(t)
	assert.Equal(t, "access-1", w.token(t))
	w.clock.advance(time.Hour)
	assert.Equal(t, "access-2", w.token(t))
	_, record, err := w.Credentials.Read(t.Context(), "app")
	require.NoError(t, err)
	assert.NotEmpty(t, record.Current.Binding)
}

// Storage of two moments, as a backup that was restored in part: what was checked
// elsewhere is sent nowhere, and a re-authentication makes it good.
func TestACredentialThatWasCheckedElsewhere(t *testing.T) {
	foreign := func(current map[string]any) { current["binding"] = "of-another-place" }
	t.Run("of OAuth", func(t *testing.T) {
		w := withApp(t, &storage{})
		w.edited(t, "credentials/app", foreign)
		_, exchanged := w.server.asked()
		w.clock.advance(time.Hour)
		var sent sendings
		w.upstream.answers(func(_ context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
			sent.note(target, cred)
			return providers.Verified{Identity: "mia", AccountID: "1"}, nil
		})
		out, err := w.Handouts.HandOut(t.Context(), "app", backend.DefaultResource, backend.Actor{}, nil)
		requireCode(t, err, "address_not_allowed")
		assert.Nil(t, out, "it has ended, and cannot be renewed there")
		_, err = w.Swaps.Rotate(t.Context(), "app", backend.Actor{})
		requireCode(t, err, "address_not_allowed")
		assessed, err := w.Watch.Check(t.Context(), "app")
		require.NoError(t, err)
		assert.Equal(t, "address_not_allowed", assessed.Health.Code)
		_, now := w.server.asked()
		assert.Equal(t, exchanged, now)
		assert.Empty(t, sent.sent)
		change := w.consent(t)
		assert.Equal(t, 2, change.After.Version)
		assert.Equal(t, "access-2", w.token(t))
	})
	t.Run("of a key", func(t *testing.T) {
		w := newWorld(&storage{})
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "first"))
		w.reauth(t, entry("mia@example.com", "second"))
		w.edited(t, "credentials/a", foreign)
		var sent sendings
		w.upstream.answers(func(_ context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
			sent.note(target, cred)
			return providers.Verified{Identity: "mia@example.com", AccountID: "1"}, nil
		})
		assessed, err := w.Watch.Check(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "address_not_allowed", assessed.Health.Code)
		_, err = w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
		requireCode(t, err, backend.CodeNothingToRollBack)
		assert.Empty(t, sent.sent)
		w.reauth(t, entry("mia@example.com", "third"))
		assert.Equal(t, "third", w.key(t))
		_, err = w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
		requireCode(t, err, backend.CodeNothingToRollBack)
		assert.Empty(t, sent.sent["first"])
		_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
	})
}
