package mounted_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// state is all that a backend tells of a mount, without times.
func state(t *testing.T, w *world) string {
	t.Helper()
	var b strings.Builder
	names, err := w.Integrations.List(t.Context())
	require.NoError(t, err)
	for _, name := range names {
		in, record, err := w.Credentials.Read(t.Context(), name)
		require.NoError(t, err)
		assessed, err := w.Watch.Health(t.Context(), name)
		require.NoError(t, err)
		fmt.Fprintf(&b, "%s: %v; version %d with %v, before %v, after", name, in.Settings.Texts, record.Version, held(record.Current), held(record.Previous))
		for _, entry := range record.History {
			fmt.Fprintf(&b, " %d:%s", entry.Version, entry.Cause)
		}
		fmt.Fprintf(&b, "; %s %s; ends: %t\n", assessed.Health.Status, assessed.Health.Code, !assessed.Health.ExpiresAt.IsZero())
		assertBelongsTogether(t, name, record)
	}
	mount, err := w.Mount.Read(t.Context())
	require.NoError(t, err)
	fmt.Fprintf(&b, "mount: %v; stale flows: %d", mount.Settings.Numbers, staleFlows(t, w))
	targets, err := w.Notifier.List(t.Context())
	require.NoError(t, err)
	for _, name := range targets {
		target, err := w.Notifier.Read(t.Context(), name)
		require.NoError(t, err)
		fmt.Fprintf(&b, "; tells %s: %v at %s", name, target.Settings.Numbers, target.Settings.Secret("url").Reveal())
	}
	return b.String()
}

// staleFlows counts the authorizations that nobody can finish any more.
func staleFlows(t *testing.T, w *world) (stale int) {
	t.Helper()
	for _, key := range storedKeys(t, w.storage, "oauth/") {
		entry, err := w.storage.Get(t.Context(), key)
		require.NoError(t, err)
		var flow backend.Flow
		if json.Unmarshal(entry.Value, &flow) != nil || !w.clock.now().Before(flow.ExpiresAt) {
			stale++
		}
	}
	return stale
}

// held are the values of a credential, by field.
func held(s *backend.Stored) []string {
	if s == nil {
		return nil
	}
	var values []string
	for _, field := range s.Credential.Fields() {
		for _, value := range s.Credential.Values(field) {
			values = append(values, field+"="+value.Reveal())
		}
	}
	return values
}

// numbered matches the tokens that the fakes make, which differ by how often they were
// asked.
var numbered = regexp.MustCompile(`(access|refresh|made-key)-\d+`)

func withoutNumbers(state string) string { return numbered.ReplaceAllString(state, "$1") }

// assertBelongsTogether checks that version, history and credential of a record do.
func assertBelongsTogether(t *testing.T, name string, r *backend.Record) {
	t.Helper()
	if r.Version == 0 {
		assert.Nil(t, r.Current, "%s has a credential without a version", name)
		return
	}
	if !assert.NotEmpty(t, r.History, "%s has no history", name) {
		return
	}
	newest := r.History[0]
	assert.Equal(t, r.Version, newest.Version, "%s: the newest entry of the history is of another version", name)
	assert.Equal(t, newest.Cause == backend.CauseForget, r.Current == nil, "%s: %s", name, newest.Cause)
	if r.Current != nil {
		assert.Equal(t, newest.Fingerprint, r.Current.Fingerprint, "%s: the history is of another credential", name)
	}
	for i, older := range r.History[1:] {
		assert.LessOrEqual(t, r.History[i].Version-older.Version, 1, "%s: the history has a gap", name)
	}
}

// assertNoOrphans checks that every stored secret is that of an integration, which is
// served it or is to be.
func assertNoOrphans(t *testing.T, w *world) {
	t.Helper()
	served := map[string]bool{}
	names, err := w.Integrations.List(t.Context())
	require.NoError(t, err)
	for _, name := range names {
		served[name] = true
		_, record, err := w.Credentials.Read(t.Context(), name)
		require.NoError(t, err)
		if record.Current != nil {
			served[record.Current.Fingerprint] = true
		}
	}
	for _, key := range storedKeys(t, w.storage, "credentials/") {
		if r := rawRecord(t, w.storage, key); r.Current != nil {
			assert.True(t, served[r.Current.Fingerprint], "%s has a secret and no integration", key)
		} else {
			assert.Empty(t, r.PreviousFields, "%s keeps a secret that was forgotten", key)
		}
	}
	for _, key := range storedKeys(t, w.storage, "rotating/") {
		assert.True(t, served[strings.TrimPrefix(key, "rotating/")], "%s is of no integration", key)
	}
}

// record is a credential record as it is stored.
type record struct {
	Current        *struct{ Fingerprint string }   `json:"current"`
	History        []struct{ Cause backend.Cause } `json:"history"`
	Fields         map[string][]string             `json:"fields"`
	PreviousFields map[string][]string             `json:"previous_fields"`
}

func rawRecord(t *testing.T, s logical.Storage, key string) (r record) {
	t.Helper()
	entry, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(entry.Value, &r))
	return r
}

// watchPuts demands that no credential is stored that the upstream has not verified, or
// made itself in place of one that it ended.
func watchPuts(t *testing.T, w *world, store *storage) {
	t.Helper()
	store.wrote = func(e *logical.StorageEntry) {
		var r record
		if !strings.HasPrefix(e.Key, "credentials/") || json.Unmarshal(e.Value, &r) != nil {
			return
		}
		byPerson := r.History[0].Cause == backend.CauseReauth || r.History[0].Cause == backend.CauseRollback
		for field, values := range r.Fields {
			for _, value := range values {
				made := strings.HasPrefix(value, "made-key-") && !w.bank.overlaps || strings.HasPrefix(value, "access-") && !byPerson
				if field != providers.OAuthRefreshToken && !made && !w.upstream.hasTaken(value) {
					assert.Fail(t, "a credential was stored that nobody had verified", "%s in %s", field, e.Key)
				}
			}
		}
	}
}
