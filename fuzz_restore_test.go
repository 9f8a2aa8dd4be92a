package sei

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// stored returns all entries of the storage.
func (b *besieged) stored(t testing.TB) map[string][]byte {
	t.Helper()
	keys, err := logical.CollectKeys(context.Background(), b.disk.Storage)
	require.NoError(t, err)
	entries := make(map[string][]byte, len(keys))
	for _, key := range keys {
		entry, err := b.disk.Get(context.Background(), key)
		require.NoError(t, err)
		entries[key] = entry.Value
	}
	return entries
}

// changed returns the keys whose entries are not what they were, sorted.
func (b *besieged) changed(t testing.TB) []string {
	t.Helper()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(b.disk.changed)) {
		entry, err := b.disk.Get(context.Background(), key)
		require.NoError(t, err)
		before, was := b.before[key]
		if was != (entry != nil) || was && string(before) != string(entry.Value) {
			keys = append(keys, key)
		}
	}
	return keys
}

// creds is what creds/ answers, or nil where there is none.
func (b *besieged) creds(t testing.TB, name string) map[string]any {
	t.Helper()
	resp, err := b.HandleRequest(context.Background(), &logical.Request{Operation: logical.ReadOperation, Path: "creds/" + name, Storage: b.disk})
	if resp.IsError() {
		require.Equal(t, logical.ErrUnsupportedPath, err, "creds/%s: %v", name, resp)
		return nil
	}
	require.NoError(t, err, name)
	return resp.Data
}

// readable demands that everything can be read from storage, without a cache, and that
// creds/ of the integrations whose record was not changed is what it was.
func (b *besieged) readable(t testing.TB, changed []string) {
	t.Helper()
	for key := range b.stored(t) {
		b.store.Invalidate(key)
	}
	for _, key := range changed {
		b.store.Invalidate(key)
	}
	b.must(t, logical.ReadOperation, "config", nil)
	names, _ := b.must(t, logical.ListOperation, "integrations/", nil)["keys"].([]string)
	for _, name := range names {
		b.must(t, logical.ReadOperation, "integrations/"+name, nil)
		b.must(t, logical.ReadOperation, "history/"+name, nil)
		creds := b.creds(t, name)
		if !slices.ContainsFunc(changed, func(key string) bool {
			return strings.HasPrefix(key, "credentials/") || key == "integrations/"+name || key == "config"
		}) {
			require.Equal(t, b.served[name], creds, name)
		}
	}
}

// restore puts everything back to where it was. It returns false where it cannot,
// because the upstreams are not what they were.
func (b *besieged) restore(t testing.TB, changed []string) bool {
	t.Helper()
	for _, fake := range b.world.Fakes() {
		fake.Forget()
	}
	for key := range b.disk.changed {
		if strings.HasPrefix(key, "rotating/") || strings.HasPrefix(key, "oauth/") && b.before[key] != nil {
			return false // a token was replaced, a code was used
		}
	}
	clear(b.disk.changed)
	b.log.Reset()
	b.events.sent = nil
	for _, key := range changed {
		if before, was := b.before[key]; was {
			require.NoError(t, b.disk.Storage.Put(context.Background(), &logical.StorageEntry{Key: key, Value: before}))
		} else {
			require.NoError(t, b.disk.Storage.Delete(context.Background(), key))
		}
		b.store.Invalidate(key)
	}
	return true
}
