package mounted_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
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
	"vault-plugin-secrets-sei/providers/catalog"
)

// firstRelease is a mount as the first released format has it, served by this version
// and its real providers. Its config allows no host that they would call.
func firstRelease(t *testing.T) (*mounted.Backend, *storage) {
	t.Helper()
	store, files := &storage{}, os.DirFS("../testdata/v1")
	require.NoError(t, fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return store.Put(t.Context(), &logical.StorageEntry{Key: strings.TrimSuffix(path, ".json"), Value: data})
	}))
	now := func() time.Time { return time.Date(2027, 1, 2, 3, 10, 0, 0, time.UTC) }
	return mounted.New(store, catalog.All("test"), now, func(context.Context, backend.Event) {}), store
}

// Whatever the first release stored is served by this version.
func TestTheFirstFormatIsServed(t *testing.T) {
	b, _ := firstRelease(t)
	names, err := b.Integrations.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"app", "bb", "boards", "forgotten", "gh", "gl", "jira", "repos"}, names)
	for name, want := range map[string]struct {
		version            int
		field, value, mark string
	}{
		"jira":   {2, "api_key", "new", "5555555555555555"},
		"gh":     {2, "pat", "t1", "00112233445566aa"},
		"bb":     {1, "access_token", "access", "4444444444444444"},
		"boards": {2, "pat", "ado", "7777777777777777"},
		"repos":  {2, "pat", "ado", "7777777777777777"},
		"gl":     {2, "pat", "gl-current", "1d47a8d3869751df"},
	} {
		out, err := b.Handouts.HandOut(t.Context(), name, "", backend.Actor{}, nil)
		require.NoError(t, err, name)
		assert.Equal(t, want.version, out.Record.Version, name)
		assert.Equal(t, want.value, out.Record.Current.Credential.Value(want.field).Reveal(), name)
		assert.Equal(t, want.mark, out.Record.Current.Fingerprint, name)
		assert.Equal(t, want.mark, out.Record.History[0].Fingerprint, name)
	}
	fleet, err := b.Watch.Fleet(t.Context())
	require.NoError(t, err)
	assert.Equal(t, len(names), fleet.Total, "none is left out")
}

// What was begun under the first release is gone on with.
func TestWhatTheFirstReleaseBeganIsFinished(t *testing.T) {
	b, store := firstRelease(t)
	mount, err := b.Mount.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, time.Minute, mount.CredsTTL)
	jira, record, err := b.Credentials.Read(t.Context(), "jira")
	require.NoError(t, err)
	assert.Equal(t, "old", record.Previous.Credential.Value("api_key").Reveal(), "to roll back to")
	assert.Equal(t, map[string]string{"team": "sei"}, jira.Settings.Maps["labels"])

	assessed, err := b.Watch.Health(t.Context(), "gh")
	require.NoError(t, err)
	assert.Equal(t, backend.StatusDegraded, assessed.Health.Status)
	bb, err := b.Integrations.Read(t.Context(), "bb")
	require.NoError(t, err)
	assert.Equal(t, "of-the-client", bb.Settings.Secret("client_secret").Reveal())

	_, err = b.Swaps.Return(t.Context(), backend.Returned{State: providers.NewSecret("state"), Denied: "access_denied"}, backend.Actor{})
	requireCode(t, err, backend.CodeOAuthDenied)
	_, record, err = b.Credentials.Read(t.Context(), "forgotten")
	require.NoError(t, err)
	assert.Equal(t, 3, record.Version, "the counter goes on")

	_, err = b.Rotations.Resume(t.Context(), "gl")
	require.NoError(t, err)
	_, record, err = b.Credentials.Read(t.Context(), "gl")
	require.NoError(t, err)
	assert.Equal(t, 3, record.Version)
	assert.Equal(t, "gl-successor", record.Current.Credential.Value("pat").Reveal())

	require.NoError(t, b.Integrations.Write(t.Context(), "pipelines", backend.Draft{
		Create: true, Provider: "azure_devops", AuthType: "pat", Settings: texts("organization", "acme", "service", "pipelines"),
	}))
	groups, err := store.List(t.Context(), "groups/azure_devops/")
	require.NoError(t, err)
	require.Len(t, groups, 1, "a group has the key that it had")
	members, err := store.List(t.Context(), "groups/azure_devops/"+groups[0])
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"boards", "pipelines", "repos"}, members)
	require.NoError(t, b.Integrations.Delete(t.Context(), "pipelines"))

	_, err = b.Swaps.Forget(t.Context(), "boards", backend.Actor{})
	require.NoError(t, err)
	_, record, err = b.Credentials.Read(t.Context(), "repos")
	require.NoError(t, err)
	assert.Nil(t, record.Current, "it is one record for both")
	require.NoError(t, b.Integrations.Delete(t.Context(), "boards"))
	left, err := store.List(t.Context(), "credentials/azure_devops/")
	require.NoError(t, err)
	assert.Len(t, left, 1, "the index names another member")
	require.NoError(t, b.Integrations.Delete(t.Context(), "repos"))
	left, err = store.List(t.Context(), "credentials/azure_devops/")
	require.NoError(t, err)
	assert.Empty(t, left)
}

const newer = "of_a_newer_version"

// fields is what is stored under a key.
func (w *world) fields(t *testing.T, key string) map[string]any {
	t.Helper()
	entry, err := w.storage.Get(t.Context(), key)
	require.NoError(t, err)
	require.NotNil(t, entry, key)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(entry.Value, &fields))
	return fields
}

// upgraded is the world after a newer version has added a field to what is stored under
// the key, and to the credentials and the latest history in it.
func (w *world) upgraded(t *testing.T, key string) *world {
	t.Helper()
	fields := w.fields(t, key)
	fields[newer] = "top"
	for _, part := range []string{"current", "previous", "settings"} {
		if within, ok := fields[part].(map[string]any); ok {
			within[newer] = part
		}
	}
	if history, ok := fields["history"].([]any); ok {
		latest, _ := history[0].(map[string]any)
		latest[newer] = "history"
	}
	data, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NoError(t, w.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: data}))
	return w.restarted()
}

// in is the newer field of a part of what is stored, nil if there is none.
func in(fields map[string]any, part string) any {
	switch within := fields[part].(type) {
	case map[string]any:
		return within[newer]
	case []any: // of the history, the entry that was the latest when it was added
		for _, entry := range within {
			if e, ok := entry.(map[string]any); ok && e[newer] != nil {
				return e[newer]
			}
		}
	}
	return nil
}

// What a newer version stores beside what this one knows stays where it belongs through
// every change of a record.
func TestChangesKeepFieldsOfANewerVersion(t *testing.T) {
	rolledOut := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(&storage{})
		w.create(t, "a", "key")
		w.reauth(t, entry("mia@example.com", "first"))
		w.reauth(t, entry("mia@example.com", "second"))
		return w.upgraded(t, "credentials/a")
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *world)
		// current and previous are what these have afterwards.
		current, previous any
	}{
		"a re-authentication": {func(t *testing.T, w *world) {
			t.Helper()
			w.reauth(t, entry("mia@example.com", "third"))
		}, nil, "current"},
		"a rollback": {func(t *testing.T, w *world) {
			t.Helper()
			_, err := w.Swaps.Rollback(t.Context(), "a", backend.Actor{})
			require.NoError(t, err)
		}, "previous", "current"},
		"the end of the rollback window": {func(t *testing.T, w *world) {
			t.Helper()
			w.clock.advance(48 * time.Hour)
			require.NoError(t, w.Swaps.Erase(t.Context(), "a"))
		}, "current", nil},
		"forgetting": {func(t *testing.T, w *world) {
			t.Helper()
			_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
			require.NoError(t, err)
		}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := rolledOut(t)
			before, err := json.Marshal(w.fields(t, "credentials/a"))
			require.NoError(t, err)
			c.change(t, w)
			after := w.fields(t, "credentials/a")
			text, err := json.Marshal(after)
			require.NoError(t, err)
			require.NotEqual(t, string(before), string(text), "nothing was written")
			assert.Equal(t, "top", after[newer])
			assert.Equal(t, c.current, in(after, "current"))
			assert.Equal(t, c.previous, in(after, "previous"))
			assert.Equal(t, "history", in(after, "history"))
		})
	}
}

// A refreshed token is another one of the same record.
func TestARefreshKeepsFieldsOfANewerVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sleepy(&storage{})
		w.app(t, "app")
		w.consent(t)
		w = w.upgraded(t, "credentials/app")
		time.Sleep(55 * time.Minute)
		_, err := w.Handouts.HandOut(t.Context(), "app", "", backend.Actor{}, nil)
		require.NoError(t, err)
		synctest.Wait()
		after := w.fields(t, "credentials/app")
		require.Equal(t, []any{"access-2"}, after["fields"].(map[string]any)["access_token"]) //nolint:forcetypeassert // a test
		assert.Equal(t, "top", after[newer])
		assert.Nil(t, in(after, "current"), "it described the token before")
	})
}

// Configuration, settings of the mount and findings keep them, too; a finding as long as
// it speaks of the same credential.
func TestSettingsAndFindingsKeepFieldsOfANewerVersion(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key"))
	w = w.upgraded(t, "integrations/a")
	require.NoError(t, w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("description", "changed")}))
	after := w.fields(t, "integrations/a")
	assert.Equal(t, "top", after[newer])
	assert.Equal(t, "settings", in(after, "settings"))
	assert.Contains(t, after["settings"], "texts")

	require.NoError(t, w.Mount.Write(t.Context(), texts("note", "first")))
	w = w.upgraded(t, "config")
	require.NoError(t, w.Mount.Write(t.Context(), texts("note", "second")))
	assert.Equal(t, "top", w.fields(t, "config")[newer])

	w.upstream.refuses(failure(providers.Unreachable))
	_, err := w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	w = w.upgraded(t, "health/a")
	w.upstream.refuses(failure(providers.InsufficientScope))
	_, err = w.Watch.Check(t.Context(), "a")
	require.NoError(t, err)
	after = w.fields(t, "health/a")
	assert.Equal(t, "insufficient_scope", after["code"])
	assert.Equal(t, "top", after[newer])
}

// A worker's read costs nothing more for them.
func TestReadingAWarmRecordAllocatesNothingForFieldsOfANewerVersion(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key"))
	read := func(w *world) float64 {
		ctx := t.Context()
		return testing.AllocsPerRun(100, func() { _, _, _ = w.Credentials.Read(ctx, "a") })
	}
	without := read(w)
	w = w.upgraded(t, "credentials/a")
	with := read(w)
	store.reset(nil)
	assert.InDelta(t, without, with, 0.01)
	read(w)
	assert.Empty(t, store.made())
}

// with is the world after a newer version has stored the fields beside those under a key.
func (w *world) with(t *testing.T, key string, more map[string]any) *world {
	t.Helper()
	fields := w.fields(t, key)
	for name, value := range more {
		if within, ok := fields[name].(map[string]any); ok {
			maps.Copy(within, value.(map[string]any)) //nolint:forcetypeassert // a test
			continue
		}
		fields[name] = value
	}
	data, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NoError(t, w.storage.Put(t.Context(), &logical.StorageEntry{Key: key, Value: data}))
	return w.restarted()
}

// A credential that only a newer version knows, beside none that this one does, stays at
// home, and is forgotten like any other.
func TestACredentialOfANewerVersionStaysAtHome(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key"))
	_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	w = w.with(t, "credentials/a", map[string]any{"next": "described", "next_fields": map[string]any{"key": []string{"secret"}}})
	move := func() error {
		return w.Integrations.Write(t.Context(), "a", backend.Draft{Provider: "fake", AuthType: "key", Settings: texts("team", "other")})
	}
	requireCode(t, move(), backend.CodeCredentialPresent)
	change, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.Len(t, change.After.History, 2, "nothing that this version knows was forgotten")
	stored := w.fields(t, "credentials/a")
	assert.NotContains(t, stored, "next_fields")
	assert.NotContains(t, stored, "next")
	require.NoError(t, move())
}

// Secret settings that only a newer version knows go when they would be sent elsewhere,
// and stay otherwise.
func TestSecretSettingsOfANewerVersionStayAtHome(t *testing.T) {
	w := newWorld(&storage{})
	w.app(t, "app")
	w = w.with(t, "integrations/app", map[string]any{"secrets": map[string]any{"webhook": "w"}, "certificate_fields": map[string]any{"key": []string{"k"}}})
	write := func(s providers.Settings) map[string]any {
		t.Helper()
		require.NoError(t, w.Integrations.Write(t.Context(), "app", backend.Draft{Provider: "browser", AuthType: "oauth", Settings: s}))
		return w.fields(t, "integrations/app")
	}
	stored := write(texts("description", "of another kind"))
	assert.Contains(t, stored["secrets"], "webhook")
	assert.Contains(t, stored, "certificate_fields")
	moved := texts("client_id", "second")
	moved.Secrets["client_secret"] = providers.NewSecret("client-secret-2")
	stored = write(moved)
	assert.Equal(t, map[string]any{"client_secret": "client-secret-2"}, stored["secrets"])
	assert.NotContains(t, stored, "certificate_fields")
}

// An entry of allowed_hosts that another version took and this one does not opens
// nothing, and keeps nobody from reading and writing the settings.
func TestAHostThatIsNotTakenAnyMore(t *testing.T) {
	w := newWorld(&storage{})
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Lists: map[string][]string{"allowed_hosts": {"example.com"}}}))
	w = w.with(t, "config", map[string]any{"lists": map[string]any{"allowed_hosts": []string{".example.com"}}})
	mount, err := w.Mount.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{".example.com"}, mount.AllowedHosts.Entries())
	for _, url := range []string{"https://jira.example.com", "https://example.com", "https://other.example", "https://192.0.2.1"} {
		assert.Error(t, mount.AllowedHosts.CheckCall(url), url)
		assert.NoError(t, providers.AllowedHosts{}.CheckCall(url), url)
	}
	require.NoError(t, w.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"creds_ttl": 60}}), "of another setting")
	hosts := func(entry string) error {
		return w.Mount.Write(t.Context(), providers.Settings{Lists: map[string][]string{"allowed_hosts": {entry}}})
	}
	requireCode(t, hosts(".example.com"), backend.CodeInvalidField)
	require.NoError(t, hosts("*.example.com"))
}

// Secrets of a newer version are forgotten with the credential, wherever they stand.
func TestSecretsOfANewerVersionAreForgotten(t *testing.T) {
	w := newWorld(&storage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "key"))
	w = w.with(t, "credentials/a", map[string]any{"secrets": map[string]any{"k": "v"}})
	_, err := w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	assert.NotContains(t, w.fields(t, "credentials/a"), "secrets")
}
