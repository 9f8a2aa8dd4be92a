package mount

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Settings reads and writes the settings of the mount. It is safe for
// concurrent use.
type Settings struct {
	table *store.Table[backend.Mount]
	locks *store.Locks
}

// New returns the settings in a storage.
func New(storage logical.Storage, locks *store.Locks) *Settings {
	return &Settings{locks: locks, table: store.NewTable(storage, "", backend.EncodeMount, backend.DecodeMount, backend.NewMount(providers.Settings{}))}
}

// Invalidate forgets what is cached: another node changed the settings.
func (m *Settings) Invalidate() { m.table.Invalidate(backend.MountKey) }

// OnChange has fn told, by their key in storage, when the settings may read otherwise. It is for
// whoever has just made them.
func (m *Settings) OnChange(fn func(key string)) { m.table.OnChange(fn) }

// Version is a number that grows with every change.
func (m *Settings) Version() uint64 { return m.table.Version() }

// Read returns the settings, defaults where nothing was written.
func (m *Settings) Read(ctx context.Context) (*backend.Mount, error) {
	return m.table.Load(ctx, backend.MountKey)
}

// Write changes the settings that changes has and leaves the others. A list of
// hosts that cannot be parsed is refused.
func (m *Settings) Write(ctx context.Context, changes providers.Settings) error {
	release, err := m.locks.Acquire(ctx, backend.MountKey+"/") // no integration has this name
	if err != nil {
		return err
	}
	defer release()
	before, err := m.table.LoadExact(ctx, backend.MountKey)
	if err != nil {
		return err
	}
	if _, err := providers.ParseAllowedHosts(changes.List("allowed_hosts")); err != nil {
		return &backend.Error{Code: backend.CodeInvalidField, Fields: []string{"allowed_hosts"}, Message: "allowed_hosts: " + err.Error()}
	}
	if err := checkAddress(changes.Text("public_address")); err != nil {
		return err
	}
	return m.table.Save(ctx, backend.MountKey, before.Changed(changes))
}
