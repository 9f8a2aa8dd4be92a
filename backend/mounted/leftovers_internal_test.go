package mounted

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/oauth"
	"vault-plugin-secrets-sei/backend/rotation"
)

// What else is kept of a record is that of rotations and of renewals.
func TestLeftoversAreRemovedWhereTheyAreKept(t *testing.T) {
	l := leftovers{rotation.NewPendings(&logical.InmemStorage{}), &oauth.Refreshes{}, credential.NewLessons(fault.NewBacklog(fault.New(time.Now)))}
	assert.NoError(t, l.Remove(t.Context(), "a"), "there is nothing")
	assert.NotPanics(t, func() { l.Drop("a") })
}
