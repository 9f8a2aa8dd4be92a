package mounted_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/store"
)

// A credential record is replaced by Held.Edit alone: no other method takes a whole record to
// store.
func TestOnlyEditReplacesARecord(t *testing.T) {
	asks := map[string]bool{"Refused": true, "Prints": true, "Mark": true} // of a record, and store none
	held, record := reflect.TypeFor[*credential.Held](), reflect.TypeFor[*backend.Record]()
	for i := range held.NumMethod() {
		method := held.Method(i)
		for j := 1; j < method.Type.NumIn(); j++ {
			assert.True(t, method.Type.In(j) != record || asks[method.Name], "Held.%s takes a record: does it store it?", method.Name)
		}
	}
}

// locked is the credential record of an integration under its lock.
func (w *world) locked(t *testing.T, name string) *credential.Held {
	t.Helper()
	held, err := w.Credentials.Lock(t.Context(), name, store.Turn{})
	require.NoError(t, err)
	t.Cleanup(held.Release)
	return held
}

// What a check found of a credential changes neither that nor its version and history, and
// what was found of another one is not stored.
func TestWhatACheckFoundReplacesNoCredential(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	before := w.reauth(t, entry("mia@example.com", "good")).After
	held := w.locked(t, "a")

	found := *before.Current
	found.Credential = entry("eve@example.com", "unchecked").Credential
	found.Binding, found.VerifiedAt, found.Scopes = "elsewhere", time.Time{}, []string{"read"}
	after, err := held.NoteFound(t.Context(), &found)
	require.NoError(t, err)
	stored, err := w.restarted().locked(t, "a").Record(t.Context())
	require.NoError(t, err)
	for _, record := range []*backend.Record{after, stored} {
		assert.Equal(t, []string{"read"}, record.Current.Scopes)
		assert.Equal(t, "good", record.Current.Credential.Value("key").Reveal())
		assert.Equal(t, before.Current.Binding, record.Current.Binding)
		assert.True(t, before.Current.VerifiedAt.Equal(record.Current.VerifiedAt))
		assert.Equal(t, before.Version, record.Version)
		assert.Equal(t, before.History, record.History)
	}

	found.Fingerprint = "0123456789abcdef"
	_, err = held.NoteFound(t.Context(), &found)
	require.Error(t, err)
	assert.Equal(t, "good", w.key(t))
}

// That a refresh began is all that a note of it says: it does not bring an older record back.
func TestANoteOfARefreshSaysNothingElse(t *testing.T) {
	w := withApp(t, &storage{})
	held, since := w.locked(t, "app"), w.clock.now().UTC()
	before, err := held.Record(t.Context())
	require.NoError(t, err)
	for _, at := range []time.Time{since, {}} {
		require.NoError(t, held.NoteRefresh(t.Context(), at))
		after, err := held.Record(t.Context())
		require.NoError(t, err)
		assert.Equal(t, at, after.Current.Access.RefreshingSince)
		assert.Equal(t, before, after.WithAccess(func(a *backend.Access) { a.RefreshingSince = before.Current.Access.RefreshingSince }))
	}

	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "good"))
	require.Error(t, w.locked(t, "a").NoteRefresh(t.Context(), since), "there is nothing to refresh")
	assert.Equal(t, "access-1", w.token(t))
}
