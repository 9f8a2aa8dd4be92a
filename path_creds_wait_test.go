package sei

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/backend/waiting"
)

// The query says which credential a worker has, as the vault CLI and HTTP clients send it.
func TestWhatARawReadWaitsFor(t *testing.T) {
	m := withJira(t)
	fingerprint := m.read(t, "creds/jira")["fingerprint"]
	for _, query := range []body{
		{"version": "0", "wait": "60s"},
		{"version": json.Number("2"), "wait": json.Number("60")},
		{"version": "1"},
		{"version": "1", "wait": "0"},
		{"fingerprint": "another", "wait": "1m"},
		{"fingerprint": fingerprint},
		{"wait": "0s"},
	} {
		began := time.Now()
		r := m.ok(t, logical.ReadOperation, "creds/jira", query)
		assert.Less(t, time.Since(began), time.Second, "%v", query)
		assert.EqualValues(t, 1, r.data["version"])
		assert.Empty(t, r.warnings)
	}
	began := time.Now()
	assert.Empty(t, m.ok(t, logical.ReadOperation, "creds/jira", body{"version": "1", "wait": "1s"}).warnings)
	assert.GreaterOrEqual(t, time.Since(began), time.Second)
	began = time.Now()
	assert.Equal(t, fingerprint, m.ok(t, logical.ReadOperation, "creds/jira", body{"fingerprint": fingerprint, "wait": "1"}).data["fingerprint"])
	assert.GreaterOrEqual(t, time.Since(began), time.Second)
}

func TestRefusedWaits(t *testing.T) {
	m := withJira(t)
	for _, c := range []struct {
		query  body
		code   string
		fields []string
		says   string
	}{
		{body{"version": "1", "wait": "61s"}, "invalid_field", []string{"wait"}, "wait must be between 0 and 60"},
		{body{"version": "1", "wait": "-1s"}, "invalid_field", []string{"wait"}, "wait must be between 0 and 60"},
		{body{"version": "1", "wait": "1.5s"}, "invalid_field", []string{"wait"}, "whole seconds"},
		{body{"version": "1", "wait": "soon"}, "invalid_field", []string{"wait"}, "whole seconds"},
		{body{"version": "1", "wait": ""}, "invalid_field", []string{"wait"}, "blank"},
		{body{"version": "1", "wait": []any{"1s", "2s"}}, "invalid_field", []string{"wait"}, "whole seconds"},
		{body{"version": "-1", "wait": "1s"}, "invalid_field", []string{"version"}, "version must be"},
		{body{"version": "one", "wait": "1s"}, "invalid_field", []string{"version"}, "whole number"},
		{body{"version": "", "wait": "1s"}, "invalid_field", []string{"version"}, "blank"},
		{body{"fingerprint": "", "wait": "1s"}, "invalid_field", []string{"fingerprint"}, "blank"},
		{body{"fingerprint": []any{"a", "b"}, "wait": "1s"}, "invalid_field", []string{"fingerprint"}, "string"},
		{body{"version": "1", "fingerprint": "a", "wait": "1s"}, "invalid_field", []string{"fingerprint", "version"}, "cannot be sent together"},
		{body{"wait": "1s"}, "missing_field", []string{"version"}, "or fingerprint"},
	} {
		r := m.refused(t, logical.ReadOperation, "creds/jira", c.query, 400, c.code)
		assert.Equal(t, c.fields, r.data["fields"], "%v", c.query)
		assert.Contains(t, r.message, c.says)
	}
	began := time.Now()
	m.write(t, "integrations/none", body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	m.refused(t, logical.ReadOperation, "creds/none", body{"version": "0", "wait": "60s"}, 404, "no_credential")
	m.refused(t, logical.ReadOperation, "creds/other", body{"version": "0", "wait": "60s"}, 404, "unknown_integration")
	assert.Less(t, time.Since(began), 10*time.Second, "nobody waits for what there is not")
}

// crowd is reads of creds/key that wait for another version than the current.
type crowd struct {
	sync.WaitGroup
	answered, warned, gone atomic.Int64
}

func (c *crowd) join(ctx context.Context, m *instantMount, version any) {
	c.Go(func() {
		resp, err := m.HandleRequest(ctx, &logical.Request{Operation: logical.ReadOperation, Path: "creds/key", Storage: m.disk, Data: body{"version": fmt.Sprint(version), "wait": "60s"}})
		switch {
		case err != nil || resp.IsError():
			c.gone.Add(1)
		case len(resp.Warnings) > 0:
			c.warned.Add(1)
		default:
			c.answered.Add(1)
		}
	})
}

// More reads than there are places: those too many are told so at once, and those that
// wait are answered by the swap. Nothing is left of them, nor when the engine ends.
func TestACrowdThatWaits(t *testing.T) {
	m := warmInstant(t)
	leaks := goleak.IgnoreCurrent()
	version := m.must(t, logical.ReadOperation, "creds/key", nil)["version"]
	var c crowd
	const tooMany = 25
	for range waiting.MaxWaiting + tooMany {
		c.join(t.Context(), m, version)
	}
	require.Eventually(t, func() bool { return c.warned.Load() == tooMany }, 20*time.Second, time.Millisecond)
	assert.Zero(t, c.answered.Load())
	m.disk.arm(0, false)
	swapped := time.Now()
	m.must(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": "good-new"})
	c.Wait()
	assert.Less(t, time.Since(swapped), 10*time.Second)
	assert.EqualValues(t, waiting.MaxWaiting, c.answered.Load())
	assert.Equal(t, []string{"Put credentials/key"}, m.disk.made(), "those that wait ask storage for nothing")

	ctx, hangUp := context.WithCancel(t.Context())
	var gone crowd
	version = m.must(t, logical.ReadOperation, "creds/key", nil)["version"]
	for range 100 {
		gone.join(ctx, m, version)
	}
	hangUp()
	gone.Wait()
	assert.EqualValues(t, 100, gone.gone.Load())

	var last crowd
	for range 100 {
		last.join(t.Context(), m, version)
	}
	began := time.Now()
	m.Cleanup(t.Context())
	last.Wait()
	assert.Less(t, time.Since(began), 10*time.Second, "the end of the mount leaves nobody waiting")
	goleak.VerifyNone(t, leaks)
}
