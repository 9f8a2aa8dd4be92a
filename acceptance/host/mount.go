package host

import (
	"context"
	"crypto/rand"

	"github.com/hashicorp/vault/sdk/logical"
)

// Mount is the engine at one mount. It is safe for concurrent use.
type Mount struct {
	engine  logical.Backend
	storage logical.Storage
}

// Storage is what the mount stores, to look at.
func (m *Mount) Storage() logical.Storage { return m.storage }

// Write writes data to a path of the mount.
func (m *Mount) Write(ctx context.Context, path string, data map[string]any) (*logical.Response, error) {
	return m.do(ctx, logical.UpdateOperation, path, data)
}

// Read reads a path of the mount.
func (m *Mount) Read(ctx context.Context, path string) (*logical.Response, error) {
	return m.do(ctx, logical.ReadOperation, path, nil)
}

// List lists a path of the mount.
func (m *Mount) List(ctx context.Context, path string) (*logical.Response, error) {
	return m.do(ctx, logical.ListOperation, path, nil)
}

// Delete deletes a path of the mount.
func (m *Mount) Delete(ctx context.Context, path string) (*logical.Response, error) {
	return m.do(ctx, logical.DeleteOperation, path, nil)
}

// do hands a request to the engine. A refusal is an error response, whose sentinel error
// stands for the HTTP status that Vault would answer with.
func (m *Mount) do(ctx context.Context, op logical.Operation, path string, data map[string]any) (*logical.Response, error) {
	return m.engine.HandleRequest(ctx, &logical.Request{
		ID: rand.Text(), Operation: op, Path: path, Data: data, Storage: m.storage, MountPoint: "sei/", DisplayName: "host",
	})
}

// Invalidate tells the engine that another node wrote a storage key.
func (m *Mount) Invalidate(ctx context.Context, key string) { m.engine.InvalidateKey(ctx, key) }

// RunningVersion is the version that the engine tells Vault.
func (m *Mount) RunningVersion() string {
	if v, ok := m.engine.(logical.PluginVersioner); ok {
		return v.PluginVersion().Version
	}
	return ""
}

// SealWrapped are the storage paths that the engine wants sealed twice.
func (m *Mount) SealWrapped() []string {
	if special := m.engine.SpecialPaths(); special != nil {
		return special.SealWrapStorage
	}
	return nil
}

// Close unmounts: the engine ends what it does beside requests.
func (m *Mount) Close(ctx context.Context) { m.engine.Cleanup(ctx) }
