package sei

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPanicIsAnErrorThatTellsNoSecret(t *testing.T) {
	m := withJira(t)
	var log bytes.Buffer
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{
		StorageView: m.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: &log}),
	}))
	m.now = nil // the next handler that asks for the time panics
	_, err := m.HandleRequest(t.Context(), &logical.Request{
		Operation: logical.UpdateOperation, Path: "reauth/jira", Storage: m.storage, Data: body{"email": email, "api_key": "canary-secret"},
	})
	require.ErrorContains(t, err, "internal error")
	assert.Contains(t, log.String(), "a request panicked")
	assert.NotContains(t, fmt.Sprint(err, log.String()), "canary-secret")
}

func TestMountsShareNothing(t *testing.T) {
	one, two := withJira(t), newMount(t)
	assert.Equal(t, 404, two.do(t, logical.ReadOperation, "creds/jira", nil).status)
	assert.Equal(t, "key-1", one.read(t, "creds/jira")["api_key"])
}

func TestFactory(t *testing.T) {
	_, err := Factory(t.Context(), nil)
	require.Error(t, err)
	b, err := Factory(t.Context(), &logical.BackendConfig{StorageView: &logical.InmemStorage{}, System: &logical.StaticSystemView{}})
	require.NoError(t, err)
	defer b.Cleanup(t.Context())
	assert.Equal(t, logical.TypeLogical, b.Type())
	versioned, ok := b.(logical.PluginVersioner)
	require.True(t, ok)
	assert.Equal(t, version, versioned.PluginVersion().Version)
	assert.True(t, slices.Contains(b.SpecialPaths().SealWrapStorage, "credentials/"))
}
