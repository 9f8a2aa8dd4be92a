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
	fields, _ := m.read(t, "providers/azure_devops")["settings"].([]map[string]any)
	byName := map[any]map[string]any{}
	for _, f := range fields {
		byName[f["name"]] = f
	}
	assert.Equal(t, []string{"boards", "repos", "pipelines"}, byName["service"]["values"])
	assert.Equal(t, true, byName["service"]["fixed"])
	assert.Equal(t, true, byName["organization"]["locates"])
	assert.Equal(t, "flag", byName["pin_identity"]["kind"])
	assert.Equal(t, "map", byName["labels"]["kind"])
	assert.Equal(t, 404, m.do(t, logical.ReadOperation, "providers/trello", nil).status)
}
