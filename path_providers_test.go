package sei

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

func TestProviders(t *testing.T) {
	m := newMount(t)
	assert.Equal(t, m.registry.Names(), m.ok(t, logical.ListOperation, "providers/", nil).data["keys"])
	for _, name := range m.registry.Names() {
		p := m.read(t, "providers/"+name)
		assert.Equal(t, name, p["name"])
		assert.NotEmpty(t, p["auth_types"])
	}
	assert.Equal(t, 404, m.do(t, logical.ReadOperation, "providers/trello", nil).status)
}
