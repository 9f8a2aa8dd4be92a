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
	unsaved := &Record{Current: &Stored{}}
	b.pendings.hold("a", &Pending{})
	b.refreshes.keep("a", unsavedRefresh{before: unsaved})
	require.NoError(t, b.Integrations.Delete(t.Context(), "a"))
	assert.Nil(t, b.pendings.unsaved("a"))
	assert.False(t, b.refreshes.Waits("a", unsaved))
}
