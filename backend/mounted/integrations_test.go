package mounted_test

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

func draft(s providers.Settings) backend.Draft {
	return backend.Draft{Provider: "fake", AuthType: "key", Settings: s}
}

func TestWriteChangesOnlyWhatItSends(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("description", "one"))))
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("team", "x"))))
	in, err := w.restarted().Integrations.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "one", in.Settings.Text("description"))
	assert.Equal(t, "x", in.Settings.Text("team"))
}

func TestWhatNeverChanges(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	for name, d := range map[string]backend.Draft{
		"provider":  {Provider: "other", AuthType: "key"},
		"auth_type": {Provider: "fake", AuthType: "pool"},
		"part":      draft(texts("part", "x")),
	} {
		refusal := requireCode(t, w.Integrations.Write(t.Context(), "a", d), backend.CodeImmutableField)
		assert.Equal(t, []string{name}, refusal.Fields)
	}
}

func TestAStoredCredentialIsNotSentElsewhere(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", "https://one.example.com"))))
	w.reauth(t, entry("mia@example.com", "k1"))

	err := w.Integrations.Write(t.Context(), "a", draft(texts("url", "https://two.example.com", "team", "x", "description", "d")))
	refusal := requireCode(t, err, backend.CodeCredentialPresent)
	assert.Equal(t, []string{"team", "url"}, refusal.Fields)
	in, err := w.Integrations.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Empty(t, in.Settings.Text("description"), "a refused write changes nothing")

	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", "https://one.example.com"))), "the same value is no change")
	_, err = w.Swaps.Forget(t.Context(), "a", backend.Actor{})
	require.NoError(t, err)
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", "https://two.example.com"))))
}

func TestSettingADefaultIsNoChange(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "k1"))
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", "https://fake.example.com"))))
}

func TestAddressesThatTheMountDoesNotAllow(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	for _, url := range []string{"http://one.example.com", "https://127.0.0.1", "https://[::1]:8443", "https://169.254.169.254"} {
		refusal := requireCode(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", url))), "address_not_allowed")
		assert.Equal(t, []string{"url"}, refusal.Fields, url)
	}
	refusal := requireCode(t, w.Integrations.Write(t.Context(), "a", draft(texts("proxy_url", "http://127.0.0.1:3128"))), "address_not_allowed")
	assert.Equal(t, []string{"proxy_url"}, refusal.Fields)

	hosts := providers.Settings{Lists: map[string][]string{"allowed_hosts": {"http://127.0.0.1"}}}
	require.NoError(t, w.Mount.Write(t.Context(), hosts))
	require.NoError(t, w.Integrations.Write(t.Context(), "a", draft(texts("url", "http://127.0.0.1:8080"))))

	err := w.Mount.Write(t.Context(), providers.Settings{Lists: map[string][]string{"allowed_hosts": {"ftp://x"}}})
	requireCode(t, err, backend.CodeInvalidField)
}

func TestAChangeDoesNotBringADeletedIntegrationBack(t *testing.T) {
	w := newWorld(&logical.InmemStorage{})
	w.create(t, "a", "key")
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	requireCode(t, w.Integrations.Write(t.Context(), "a", draft(texts("description", "x"))), backend.CodeUnknownIntegration)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"), "deleting twice is no error")
}

func TestDeleteRemovesTheSecretFirst(t *testing.T) {
	store := &storage{}
	w := newWorld(store)
	w.create(t, "a", "key")
	w.reauth(t, entry("mia@example.com", "k1"))
	store.reset(nil)
	require.NoError(t, w.Integrations.Delete(t.Context(), "a"))
	assert.Equal(t, []string{"Delete rotating/a", "Delete credentials/a", "Delete health/a", "Delete integrations/a"}, store.made())
	w.create(t, "a", "key")
	assert.Equal(t, 1, w.reauth(t, entry("mia@example.com", "k1")).After.Version, "a new integration")
}

func TestInvalidateForgetsWhatAnotherNodeChanged(t *testing.T) {
	shared := &logical.InmemStorage{}
	active := newWorld(shared)
	active.create(t, "a", "key")
	active.reauth(t, entry("mia@example.com", "old"))
	standby := active.restarted()
	assert.Equal(t, "old", standby.key(t))

	active.reauth(t, entry("mia@example.com", "new"))
	require.NoError(t, active.Integrations.Write(t.Context(), "a", draft(texts("description", "x"))))
	require.NoError(t, active.Mount.Write(t.Context(), providers.Settings{Numbers: map[string]int64{"creds_ttl": 60}}))
	for _, key := range []string{"credentials/a", "integrations/a", "config", "salt"} {
		standby.Invalidate(key)
	}
	assert.Equal(t, "new", standby.key(t))
	in, err := standby.Integrations.Read(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "x", in.Settings.Text("description"))
	mount, err := standby.Mount.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(60), int64(mount.CredsTTL.Seconds()))
}
