package oauth

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend"
)

// Tokens that could not be stored wait for the record that they replace, until it is stored
// or gone.
func TestTokensWaitUntilTheRecordIsGone(t *testing.T) {
	r, record := &Refreshes{}, &backend.Record{Version: 1, Current: &backend.Stored{Fingerprint: "a"}}
	r.putUnsaved("id", unsavedRefresh{before: record})
	assert.True(t, r.Waits("id", record))
	assert.False(t, r.Waits("id", &backend.Record{Version: 2, Current: record.Current}))
	r.Saved("id")
	assert.False(t, r.Waits("id", record))
	assert.Empty(t, r.unsaved)
}
