package mounted_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// theft puts in a credential of another account, and many others after it.
func (w *world) theft(t *testing.T, n int) {
	t.Helper()
	w.clock.advance(time.Hour)
	w.reauth(t, entry("mallory@example.com", "stolen"))
	for i := range n {
		w.clock.advance(time.Second)
		account := "mallory@example.com"
		if i%3 == 0 {
			account = "eve@example.com"
		}
		w.reauth(t, entry(account, fmt.Sprintf("other-%d", i)))
	}
}

// However many swaps follow, the history shows when the account became another.
func TestSwapsDoNotPushAChangeOfTheAccountOut(t *testing.T) {
	for _, n := range []int{20, 300} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(&logical.InmemStorage{})
			w.create(t, "a", "key")
			w.reauth(t, entry("mia@example.com", "one"))
			w.clock.advance(time.Hour)
			w.reauth(t, entry("noa@example.com", "two"))
			w.clock.advance(time.Hour)
			w.reauth(t, entry("mia@example.com", "three"))
			w.theft(t, n)
			_, record, err := w.restarted().Credentials.Read(t.Context(), "a")
			require.NoError(t, err)
			assert.LessOrEqual(t, len(record.History), 20+20, "it is bounded all the same")
			assert.Equal(t, n+4, record.History[0].Version)
			kept := map[int]backend.HistoryEntry{}
			for _, e := range record.History[20:] {
				assert.True(t, e.IdentityChanged, "version %d", e.Version)
				kept[e.Version] = e
			}
			for version, account := range map[int]string{2: "noa@example.com", 3: "mia@example.com", 4: "mallory@example.com"} {
				e, found := kept[version]
				if version == 4 && n == 20 {
					e, found = record.History[20], true // the twenty before it are ordinary
				}
				assert.True(t, found, "version %d", version)
				assert.Equal(t, account, e.Identity)
				assert.Len(t, e.AccountFingerprint, 16)
			}
			assert.NotEqual(t, kept[2].AccountFingerprint, kept[3].AccountFingerprint)
		})
	}
}

// An account keeps its fingerprint in its record, also over a time without credential,
// and has another in another record.
func TestAccountsAreComparedInTheHistory(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	w.creates(t, "b", "key")
	for i, account := range []string{"mia", "mia", "noa", "mia"} {
		w.reauth(t, entry(account+"@example.com", fmt.Sprint(i)))
		_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
		require.NoError(t, err)
	}
	w.swaps(t, "b", entry("mia@example.com", "0"))
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	var changed []bool
	var marks []string
	for _, e := range record.History {
		if e.Cause == backend.CauseReauth {
			changed, marks = append(changed, e.IdentityChanged), append(marks, e.AccountFingerprint)
		} else {
			assert.False(t, e.IdentityChanged)
			assert.NotEmpty(t, e.AccountFingerprint)
		}
	}
	assert.Equal(t, []bool{true, true, false, false}, changed)
	assert.Equal(t, []string{marks[0], marks[1], marks[0], marks[0]}, marks)
	assert.NotEqual(t, marks[0], marks[1])
	_, other, err := w.Credentials.Read(t.Context(), "b")
	require.NoError(t, err)
	assert.NotEqual(t, marks[0], other.History[0].AccountFingerprint)
}

// The credential in use, sent once more, is checked, and replaces nothing: there is still
// the one before to roll back to.
func TestTheCredentialInUseSentAgain(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	replacedWorld(t, w)
	end := w.clock.now().Add(90 * 24 * time.Hour)
	for range 3 {
		w.clock.advance(time.Minute)
		e := entry("mia@example.com", "old")
		e.ExpiresAt = end
		change := w.reauth(t, e)
		assert.Equal(t, 2, change.After.Version)
		assert.Equal(t, 2, change.Before.Version)
		assert.False(t, change.IdentityChanged)
		assert.Contains(t, fmt.Sprint(change.Warnings), "in use already")
		assert.Len(t, change.After.History, 2)
		assert.Equal(t, w.clock.now(), change.After.Current.VerifiedAt)
		assert.Equal(t, end, change.After.Current.ExpiresAt, "entered anew")
	}
	w = w.restarted()
	back, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Equal(t, "older", back.After.Current.Credential.Value("key").Reveal())
}

func TestWhatWasEnteredBesideTheCredentialInUseIsStored(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	replacedWorld(t, w)
	w.upstream.answers(func(_ context.Context, _ providers.Target, cred providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "mia, renamed", AccountID: "id-of-mia@example.com", Scopes: []string{"read"}}, nil
	})
	change := w.reauth(t, entry("Mia@example.com", "old"))
	assert.Equal(t, 2, change.After.Version)
	_, record, err := w.restarted().Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "Mia@example.com", record.Current.Credential.Value("email").Reveal())
	assert.Equal(t, "mia, renamed", record.Identity)
	assert.Equal(t, []string{"read"}, record.Current.Scopes)
	assert.Equal(t, "older", record.Previous.Credential.Value("key").Reveal())
}

// The same secret with another account behind it is a change that the history shows; the
// same tokens in another order are no change at all. Neither is one to go back to.
func TestTheSameTokensAreNothingToGoBackTo(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	replacedWorld(t, w)
	w.upstream.answers(func(context.Context, providers.Target, providers.Credential) (providers.Verified, error) {
		return providers.Verified{Identity: "noa@example.com", AccountID: "another"}, nil
	})
	change := w.reauth(t, entry("mia@example.com", "old"))
	assert.True(t, change.IdentityChanged)
	assert.Equal(t, 3, change.After.Version)
	assert.True(t, change.After.History[0].IdentityChanged)
	assert.Equal(t, "older", change.After.Previous.Credential.Value("key").Reveal())

	w = newWorld(&logical.InmemStorage{})
	w.create(t, "a", "pool")
	w.reauth(t, pool("first"))
	w.reauth(t, pool("one", "two"))
	_, record, err := w.Credentials.Read(t.Context(), "a")
	require.NoError(t, err)
	for _, order := range []backend.Entry{pool("two", "one"), pool("one", "two")} {
		after := w.reauth(t, order).After
		assert.Equal(t, 2, after.Version)
		assert.Len(t, after.History, 2)
		assert.Equal(t, "first", after.Previous.Credential.Value("pat").Reveal())
		assert.Equal(t, order.Credential.Values("pat")[0].Reveal(), after.Current.Credential.Value("pat").Reveal(), "positions are those of the write")
		assert.Equal(t, record.Current.Fingerprint, after.Current.Fingerprint)
	}
}

// What was found against the credential in use is void once it is verified again.
func TestTheCredentialInUseIsAcquitted(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	rejectedWorld(t, w)
	require.Equal(t, backend.StatusNeedsReauth, w.status(t, "a"))
	w.upstream.answers(nil)
	change := w.reauth(t, entry("mia@example.com", "old"))
	assert.Equal(t, 1, change.After.Version)
	assert.Equal(t, backend.StatusHealthy, w.status(t, "a"))
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"))

	w = newWorld(&logical.InmemStorage{})
	wornPoolWorld(t, w)
	w.check(t)
	require.Equal(t, backend.StatusDegraded, w.status(t, "a"))
	token, fingerprint, _ := w.handed(t, backend.DefaultResource)
	w.report(t, backend.Report{Fingerprint: fingerprint, StatusCode: 401, Resource: backend.DefaultResource})
	w.upstream.answers(nil)
	w.reauth(t, pool("one", "two"))
	assert.Equal(t, backend.StatusHealthy, w.restarted().status(t, "a"))
	again, _, _ := w.handed(t, backend.DefaultResource)
	assert.Equal(t, token, again, "it is not kept back any more")
}

// A rollback, too, shows that the account is another.
func TestARollbackToAnotherAccountIsMarked(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "one"))
	w.reauth(t, entry("noa@example.com", "two"))
	back, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.True(t, back.After.History[0].IdentityChanged)
	assert.True(t, back.IdentityChanged)
}
