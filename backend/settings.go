package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

// MountSettings reads and writes the settings of the mount. It is safe for
// concurrent use.
type MountSettings struct {
	table *table[Mount]
	locks *locks
}

// newMountSettings returns the settings in a storage.
func newMountSettings(storage logical.Storage, locks *locks) *MountSettings {
	return &MountSettings{locks: locks, table: newTable(storage, "", encodeMount, decodeMount, newMount(providers.Settings{}))}
}

// Invalidate forgets what is cached: another node changed the settings.
func (m *MountSettings) Invalidate() { m.table.invalidate(mountKey) }

// Version is a number that grows with every change.
func (m *MountSettings) Version() uint64 { return m.table.version() }

// Read returns the settings, defaults where nothing was written.
func (m *MountSettings) Read(ctx context.Context) (*Mount, error) {
	return m.table.load(ctx, mountKey)
}

// Write changes the settings that changes has and leaves the others. A list of
// hosts that cannot be parsed is refused.
func (m *MountSettings) Write(ctx context.Context, changes providers.Settings) error {
	release, err := m.locks.acquire(ctx, mountKey+"/") // no integration has this name
	if err != nil {
		return err
	}
	defer release()
	before, err := m.table.loadExact(ctx, mountKey)
	if err != nil {
		return err
	}
	if _, err := providers.ParseAllowedHosts(changes.List("allowed_hosts")); err != nil {
		return &Error{Code: CodeInvalidField, Fields: []string{"allowed_hosts"}, Message: "allowed_hosts: " + err.Error()}
	}
	return m.table.save(ctx, mountKey, before.changed(changes))
}
