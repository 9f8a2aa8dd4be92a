package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a list lacks is not there, and need not be asked for; but a key in a folder is in
// no list.
func TestAListSaysNothingOfKeysInFolders(t *testing.T) {
	store := &logical.InmemStorage{}
	fresh := func() *table[Record] {
		return &table[Record]{view: logical.NewStorageView(store, credentialsPrefix), encode: encodeRecord, decode: decodeRecord, absent: &Record{}}
	}
	require.NoError(t, fresh().save(t.Context(), "azure_devops/ab", &Record{Version: 7}))
	records := fresh()
	_, err := records.list(t.Context())
	require.NoError(t, err)
	r, err := records.loadExact(t.Context(), "azure_devops/ab")
	require.NoError(t, err)
	assert.Equal(t, 7, r.Version)
}

// What was written after the list is asked for.
func TestAListIsForgottenByAWrite(t *testing.T) {
	records := &table[Record]{view: &logical.InmemStorage{}, encode: encodeRecord, decode: decodeRecord, absent: &Record{}}
	_, err := records.list(t.Context())
	require.NoError(t, err)
	assert.True(t, records.cache.lacks("a"))
	require.NoError(t, records.save(t.Context(), "a", &Record{Version: 7}))
	assert.False(t, records.cache.lacks("a"))
	assert.False(t, records.cache.lacks("b"), "the list is not known any more")
}
