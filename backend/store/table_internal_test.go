package store

import (
	"encoding/json"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// numbered is something to store.
type numbered struct{ Version int }

func fresh(storage logical.Storage, prefix string) *Table[numbered] {
	encode := func(n *numbered) ([]byte, error) { return json.Marshal(n) }
	decode := func(_ string, data []byte) (*numbered, error) {
		n := &numbered{}
		return n, json.Unmarshal(data, n)
	}
	return NewTable(storage, prefix, encode, decode, &numbered{})
}

// What a list lacks is not there, and need not be asked for; but a key in a folder is in
// no list.
func TestAListSaysNothingOfKeysInFolders(t *testing.T) {
	store := &logical.InmemStorage{}
	require.NoError(t, fresh(store, "credentials/").Save(t.Context(), "azure_devops/ab", &numbered{Version: 7}))
	records := fresh(store, "credentials/")
	_, err := records.List(t.Context())
	require.NoError(t, err)
	r, err := records.LoadExact(t.Context(), "azure_devops/ab")
	require.NoError(t, err)
	assert.Equal(t, 7, r.Version)
}

// What was written after the list is asked for.
func TestAListIsForgottenByAWrite(t *testing.T) {
	records := fresh(&logical.InmemStorage{}, "")
	_, err := records.List(t.Context())
	require.NoError(t, err)
	assert.True(t, records.cache.lacks("a"))
	require.NoError(t, records.Save(t.Context(), "a", &numbered{Version: 7}))
	assert.False(t, records.cache.lacks("a"))
	assert.False(t, records.cache.lacks("b"), "the list is not known any more")
}
