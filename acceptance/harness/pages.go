package harness

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// PageText is a document of the repository.
func PageText(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(inRepository(page))
	require.NoError(t, err)
	return string(data)
}
