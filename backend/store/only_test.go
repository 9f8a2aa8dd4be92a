package store_test

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend/store"
)

// One entry of a storage gives no way to the others.
func TestOneEntryGivesNoWayToOthers(t *testing.T) {
	all := &logical.InmemStorage{}
	secret := &logical.StorageEntry{Key: "credentials/a", Value: []byte("secret")}
	require.NoError(t, all.Put(t.Context(), secret))
	only := store.NewOnly(all, "salt")

	entry, err := only.Get(t.Context(), "salt")
	require.NoError(t, err)
	assert.Nil(t, entry)
	require.NoError(t, only.Put(t.Context(), &logical.StorageEntry{Key: "salt", Value: []byte("1")}))
	entry, err = all.Get(t.Context(), "salt")
	require.NoError(t, err)
	assert.Equal(t, "1", string(entry.Value))
	require.NoError(t, only.Delete(t.Context(), "salt"))
	keys, err := all.List(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"credentials/"}, keys)

	_, err = only.Get(t.Context(), "credentials/a")
	require.Error(t, err)
	require.Error(t, only.Put(t.Context(), secret))
	require.Error(t, only.Delete(t.Context(), "credentials/a"))
	_, err = only.List(t.Context(), "")
	require.Error(t, err)
}
