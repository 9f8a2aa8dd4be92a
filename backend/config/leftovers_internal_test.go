package config

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/finding"
	"vault-plugin-secrets-sei/backend/fingerprint"
	"vault-plugin-secrets-sei/backend/mount"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// noted are leftovers that note what is asked of them.
type noted struct{ removed, dropped []string }

func (n *noted) Remove(_ context.Context, id string) error {
	n.removed = append(n.removed, id)
	return nil
}

func (n *noted) Drop(id string) { n.dropped = append(n.dropped, id) }

func integrations(leftovers Leftovers) *Integrations {
	storage, locks := &logical.InmemStorage{}, &store.Locks{}
	return New(storage, Dependencies{
		Registry: catalog.All("test"), Records: credential.NewRecords(storage), Findings: finding.New(storage, locks, fault.NewBacklog(fault.New(time.Now))),
		Leftovers: leftovers, Mounts: mount.New(store.NewOnly(storage, backend.MountKey), locks), Fingerprints: fingerprint.New(store.NewOnly(storage, "salt")), Locks: locks,
	})
}

// What could not be stored of a credential is secret, and goes with its integration.
func TestDeletingForgetsWhatCouldNotBeStored(t *testing.T) {
	left := &noted{}
	s := integrations(left)
	draft := backend.Draft{Create: true, Provider: "gitlab", AuthType: "pat", Settings: providers.Settings{}.Clone()}
	require.NoError(t, s.Write(t.Context(), "a", draft))
	require.NoError(t, s.Delete(t.Context(), "a"))
	assert.Equal(t, []string{"a"}, left.removed)
	assert.Equal(t, []string{"a"}, left.dropped)
}
