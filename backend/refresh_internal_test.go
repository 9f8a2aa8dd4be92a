package backend

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// What could not be stored of a credential is secret, and goes with its integration.
func TestDeletingForgetsWhatCouldNotBeStored(t *testing.T) {
	b := New(&logical.InmemStorage{}, catalog.All("test"), time.Now, func(context.Context, Event) {})
	draft := Draft{Create: true, Provider: "gitlab", AuthType: "pat", Settings: providers.Settings{}.Clone()}
	require.NoError(t, b.Integrations.Write(t.Context(), "a", draft))
	unsaved := b.Credentials.refreshes
	unsaved.made("a", &Pending{})
	unsaved.keep("a", unsavedRefresh{before: &Record{}})
	require.NoError(t, b.Integrations.Delete(t.Context(), "a"))
	assert.Empty(t, unsaved.successors)
	assert.Empty(t, unsaved.unsaved)
}
