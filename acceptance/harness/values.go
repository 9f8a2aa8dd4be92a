package harness

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Write writes to a path of the server, which must take it.
func Write(t *testing.T, client *api.Logical, path string, data map[string]any) {
	t.Helper()
	_, err := client.WriteWithContext(t.Context(), path, data)
	require.NoError(t, err)
}

// VersionOf is the version in an answer. It may be called beside the test: where there is
// none it says so, and returns 0.
func VersionOf(t *testing.T, data map[string]any) int {
	t.Helper()
	number, ok := data["version"].(json.Number)
	if !assert.True(t, ok, "version is %T", data["version"]) {
		return 0
	}
	version, err := strconv.Atoi(number.String())
	assert.NoError(t, err)
	return version
}
