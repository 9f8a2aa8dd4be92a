package sei

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

func TestConfig(t *testing.T) {
	m := newMount(t)
	read := m.read(t, "config")
	for key, want := range (body{
		"allowed_hosts": []string{"http://127.0.0.1"}, "request_timeout": int64(30), "health_check_interval": int64(3600), "max_concurrent_checks": int64(16),
		"expiry_warning": int64(14 * 24 * 3600), "creds_ttl": int64(300), "history_limit": int64(20), "rollback_window": int64(24 * 3600),
	}) {
		assert.Equal(t, want, read[key], key)
	}
	m.write(t, "config", body{"creds_ttl": "2m", "expiry_warning": "7d"})
	read = m.read(t, "config")
	assert.Equal(t, int64(120), read["creds_ttl"])
	assert.Equal(t, int64(7*24*3600), read["expiry_warning"])
	assert.Equal(t, []string{"http://127.0.0.1"}, read["allowed_hosts"])
	m.refused(t, logical.UpdateOperation, "config", body{"creds_ttl": "soon"}, 400, "invalid_field")
	m.refused(t, logical.UpdateOperation, "config", body{"request_timeout": 0}, 400, "invalid_field")
	r := m.refused(t, logical.UpdateOperation, "config", body{"allowed_hosts": "example.com,https://mia:canary@example.com"}, 400, "invalid_field")
	assert.Contains(t, r.message, "allowed_hosts: entry 2 ")
	assert.NotContains(t, r.message, "canary")
	m.refused(t, logical.UpdateOperation, "config", body{"colour": "x"}, 400, "unknown_field")
	m.refused(t, logical.UpdateOperation, "config", body{"url": "x"}, 400, "field_not_allowed")
}
