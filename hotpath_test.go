package sei

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

// Storage costs more than all else that the engine does, so what is done often asks it
// for nothing that is known, and writes once.
func TestStorageCallsOfTheHotPaths(t *testing.T) {
	good := body{"email": email, "key": "good-new"}
	for _, c := range []struct {
		what  string
		op    logical.Operation
		path  string
		data  body
		calls []string
	}{
		{"a key is read", logical.ReadOperation, "creds/key", nil, nil},
		{"a shared key is read", logical.ReadOperation, "creds/other", nil, nil},
		{"a token of a pool is read", logical.ReadOperation, "creds/pool", nil, nil},
		{"an access token is read", logical.ReadOperation, "creds/app", nil, nil},
		{"a form is read", logical.ReadOperation, "reauth/key", nil, nil},
		{"an integration is read", logical.ReadOperation, "integrations/key", nil, nil},
		{"health is read", logical.ReadOperation, "health/key", nil, nil},
		{"history is read", logical.ReadOperation, "history/key", nil, nil},
		{"settings are read", logical.ReadOperation, "config", nil, nil},
		{"a credential is validated", logical.UpdateOperation, "validate/key", good, nil},
		{"a worker reports", logical.UpdateOperation, "creds/pool/report", body{"status_code": 200, "remaining": 100}, nil},
		{"a good credential is checked", logical.UpdateOperation, "health/key", nil, nil},
		{"a bad credential is refused", logical.UpdateOperation, "reauth/key", body{"email": email, "key": "bad"}, nil},
		{"a key is re-authenticated", logical.UpdateOperation, "reauth/key", good, []string{"Put credentials/key"}},
		{"a pool is re-authenticated", logical.UpdateOperation, "reauth/pool", body{"pat": []any{"good-1", "good-2"}}, []string{"Put credentials/pool"}},
		{"names are listed", logical.ListOperation, "integrations/", nil, nil},
		{"health is listed", logical.ListOperation, "health/", nil, nil},
		{"the fleet is looked at", logical.ReadOperation, "status", nil, nil},
		{"metrics are read", logical.ReadOperation, "metrics", nil, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := warmInstant(t)
			if c.path == "creds/pool/report" {
				c.data["fingerprint"] = m.must(t, logical.ReadOperation, "creds/pool", nil)["fingerprint"]
			}
			m.disk.arm(0, false)
			_, err := m.send(t, c.op, c.path, c.data)
			if c.data["key"] == "bad" {
				require.ErrorContains(t, err, "credential_rejected")
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, c.calls, m.disk.made())
		})
	}
}

// A re-authentication of a group lists its members, and writes once for all.
func TestStorageCallsOfAGroup(t *testing.T) {
	m := warmInstant(t)
	m.disk.arm(0, false)
	m.must(t, logical.UpdateOperation, "reauth/other", body{"email": email, "key": "good-new"})
	calls := m.disk.made()
	require.Len(t, calls, 2)
	assert.Regexp(t, "^List groups/together/[0-9a-f]+/$", calls[0])
	assert.Regexp(t, "^Put credentials/together/[0-9a-f]+$", calls[1])
}

// A refresh notes that it begins before anything is sent, and stores what it got.
func TestStorageCallsOfARefresh(t *testing.T) {
	m := warmInstant(t)
	m.clock.Add(int64(time.Hour / time.Second))
	m.disk.arm(0, false)
	m.must(t, logical.ReadOperation, "creds/app", nil)
	assert.Equal(t, []string{"Put credentials/app", "Put credentials/app"}, m.disk.made())
}

// vault counts what it is asked: each question is a call to its process.
type vault struct {
	logical.StaticSystemView
	asked atomic.Int64
	state atomic.Uint32
}

func (v *vault) ReplicationState() consts.ReplicationState {
	v.asked.Add(1)
	return consts.ReplicationState(v.state.Load())
}

func (v *vault) LocalMount() bool {
	v.asked.Add(1)
	return false
}

// Whether this node may write is asked once in a second, however much is read.
func TestVaultIsNotAskedOnTheHotPaths(t *testing.T) {
	m, system := warmInstant(t), &vault{}
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.disk, System: system}))
	asks := func(times int, op logical.Operation, path string, data body) int64 {
		m.clock.Add(2)
		system.asked.Store(0)
		for range times {
			m.must(t, op, path, data)
		}
		return system.asked.Load()
	}
	for name, want := range map[string]int64{"key": 1, "other": 1, "app": 1, "pool": 2} {
		assert.Equal(t, want, asks(10, logical.ReadOperation, "creds/"+name, nil), "creds/%s", name)
	}
	good := body{"email": email, "key": "good-new"}
	assert.EqualValues(t, 2, asks(10, logical.UpdateOperation, "reauth/key", good), "what writes also asks whether the mount is local")
}

// A node that may not write is asked each time: it may be made the active one.
func TestANoIsNotRemembered(t *testing.T) {
	m, system := warmInstant(t), &vault{}
	require.NoError(t, m.Setup(t.Context(), &logical.BackendConfig{StorageView: m.disk, System: system}))
	system.state.Store(uint32(consts.ReplicationPerformanceStandby))
	m.clock.Add(2)
	for range 2 {
		_, err := m.send(t, logical.ReadOperation, "creds/pool", nil)
		require.ErrorIs(t, err, logical.ErrReadOnly)
	}
	system.state.Store(0)
	m.must(t, logical.ReadOperation, "creds/pool", nil)
}

// What a read of creds/ allocates depends on no machine. Whoever makes it fewer lowers
// the number; whoever needs more has a reason.
func TestAllocationsOfAWarmRead(t *testing.T) {
	if !layer.Unraced(t, "allocations, because the race detector allocates, too") {
		return
	}
	m := warmInstant(t)
	for name, want := range map[string]float64{"key": 41, "other": 41, "pool": 46, "app": 40} {
		req := &logical.Request{Operation: logical.ReadOperation, Path: "creds/" + name, Storage: m.disk}
		ctx := t.Context()
		have := testing.AllocsPerRun(1000, func() {
			if _, err := m.HandleRequest(ctx, req); err != nil {
				t.Error(err)
			}
		})
		assert.Equal(t, want, have, "creds/%s", name) //nolint:testifylint // whole numbers
	}
}

// warmInstant is withInstant with everything cached.
func warmInstant(t testing.TB) *instantMount {
	t.Helper()
	m := withInstant(t)
	for _, name := range []string{"key", "none", "pool", "app", "one", "other"} {
		m.must(t, logical.ReadOperation, "health/"+name, nil)
	}
	m.must(t, logical.ListOperation, "integrations/", nil)
	_, err := m.send(t, logical.UpdateOperation, "validate/key", body{"email": email, "key": "good-old"}) // the key of fingerprints
	require.NoError(t, err)
	return m
}
