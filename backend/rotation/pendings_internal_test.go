package rotation

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend"
)

// A successor that could not be stored is held until the record is gone.
func TestASuccessorIsHeldUntilTheRecordIsGone(t *testing.T) {
	n := NewPendings(&logical.InmemStorage{})
	n.hold("id", &backend.Pending{Version: 1})
	assert.Equal(t, 1, n.unsaved("id").Version)
	n.Drop("id")
	assert.Nil(t, n.unsaved("id"))
}
