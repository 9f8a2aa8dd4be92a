package sei

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// failing fails the n-th storage call from now.
type failing struct {
	logical.Storage
	mu    sync.Mutex
	calls int
	at    int
}

func (f *failing) arm(at int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at = 0, at
}

func (f *failing) step() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.calls == f.at {
		return errors.New("no space left on device")
	}
	return nil
}

func (f *failing) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.Storage.Get(ctx, key)
}

func (f *failing) Put(ctx context.Context, e *logical.StorageEntry) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.Storage.Put(ctx, e)
}

func (f *failing) Delete(ctx context.Context, key string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.Storage.Delete(ctx, key)
}

func (f *failing) List(ctx context.Context, prefix string) ([]string, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	return f.Storage.List(ctx, prefix)
}

// Every storage call of every path is made to fail in turn: a 500, and the
// credential is served as before.
func TestStorageFaultsAtEveryPath(t *testing.T) {
	requests := map[string]*logical.Request{
		"list integrations":  {Operation: logical.ListOperation, Path: "integrations/"},
		"create integration": {Operation: logical.CreateOperation, Path: "integrations/new", Data: body{"provider": "github"}},
		"change integration": {Operation: logical.UpdateOperation, Path: "integrations/jira", Data: body{"description": "x"}},
		"read integration":   {Operation: logical.ReadOperation, Path: "integrations/jira"},
		"delete integration": {Operation: logical.DeleteOperation, Path: "integrations/jira"},
		"reauth":             {Operation: logical.UpdateOperation, Path: "reauth/jira", Data: body{"email": email, "api_key": "key-2"}},
		"reauth form":        {Operation: logical.ReadOperation, Path: "reauth/jira"},
		"validate":           {Operation: logical.UpdateOperation, Path: "validate/jira", Data: body{"email": email, "api_key": "key-2"}},
		"read creds":         {Operation: logical.ReadOperation, Path: "creds/jira"},
		"forget creds":       {Operation: logical.DeleteOperation, Path: "creds/jira"},
		"history":            {Operation: logical.ReadOperation, Path: "history/jira"},
		"read config":        {Operation: logical.ReadOperation, Path: "config"},
		"write config":       {Operation: logical.UpdateOperation, Path: "config", Data: body{"creds_ttl": 60}},
	}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			failed := 0
			for at := 1; ; at++ {
				m, disk := coldMount(t)
				disk.arm(at)
				err := send(t, m, request)
				reached := disk.calls >= at
				disk.arm(0)
				if !reached {
					require.NoError(t, err)
					break
				}
				failed++
				require.ErrorContains(t, err, "no space left on device")
				assertServed(t, m)
				require.NoError(t, send(t, m, request), "it works once storage does")
			}
			assert.Positive(t, failed, "a cold request touches storage")
		})
	}
}

// coldMount has integration jira and nothing cached.
func coldMount(t *testing.T) (*mount, *failing) {
	t.Helper()
	m := withJira(t)
	disk := &failing{Storage: m.storage}
	m.engine = newEngine(disk, providers.All("test"), m.now)
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: disk, System: &logical.StaticSystemView{}}))
	t.Cleanup(func() { m.Cleanup(context.Background()) })
	return m, disk
}

func send(t *testing.T, m *mount, request *logical.Request) error {
	t.Helper()
	req := *request
	req.Data, req.Storage = maps.Clone(request.Data), m.storage
	resp, err := m.HandleRequest(t.Context(), &req)
	if resp.IsError() {
		require.NoError(t, err)
		return resp.Error()
	}
	return err
}

// assertServed checks that the credential is served whole, or is gone together
// with its integration after a half-way delete.
func assertServed(t *testing.T, m *mount) {
	t.Helper()
	r := m.do(t, logical.ReadOperation, "creds/jira", nil)
	if r.status == 404 {
		left, err := m.storage.List(t.Context(), "credentials/")
		require.NoError(t, err)
		assert.Empty(t, left, "no orphaned secret")
		return
	}
	require.Zero(t, r.status, r.message)
	assert.Equal(t, "key-1", r.data["api_key"])
	assert.Equal(t, 1, r.data["version"])
}

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
