package sei

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog"
)

// The server's log has one line for each swap, which programs can read.
func TestTheLogHasALineForEachSwap(t *testing.T) {
	m := withJira(t)
	var log bytes.Buffer
	m.engine = newEngine(m.storage, catalog.All("test"), time.Now)
	m.mountUUID = "mount-1"
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{
		StorageView: m.storage, System: &logical.StaticSystemView{}, Logger: hclog.New(&hclog.LoggerOptions{Output: &log}),
	}))
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	m.write(t, "rollback/jira", nil)
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	entries := m.history(t)
	var lines []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "credential ") {
			lines = append(lines, line)
		}
	}
	require.Len(t, lines, 3)
	for i, want := range []string{
		"integration=jira provider=jira version=2 fingerprint=MARK cause=reauth request_id=request-1 via=reauth/jira entity_id=entity-1",
		"integration=jira provider=jira version=3 fingerprint=MARK cause=rollback request_id=request-1 via=rollback/jira entity_id=entity-1",
		"integration=jira provider=jira version=3 fingerprint=MARK cause=forget request_id=request-1 via=creds/jira entity_id=entity-1",
	} {
		fingerprint, _ := entries[len(lines)-1-i]["fingerprint"].(string)
		assert.Contains(t, lines[i], strings.Replace(want, "MARK", fingerprint, 1))
		assert.Contains(t, lines[i], "mount_uuid=mount-1")
		assert.NotContains(t, lines[i], "key-")
	}
}
