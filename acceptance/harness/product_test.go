package harness

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProductOf(t *testing.T) {
	for line, want := range map[string]Product{
		"Vault v1.21.1, built 2025-11-25T17:26:16Z (cgo)\n":                    {vaultName, "1.21.1"},
		"Vault v1.19.5 ('7424d8cd'), built 2025-05-28T13:12:11Z\n":             {vaultName, "1.19.5"},
		"Vault v2.0.0-rc1, built 2026-05-01T00:00:00Z":                         {vaultName, "2.0.0-rc1"},
		"OpenBao v2.6.2 (dd9c19c37a878cf4a81b18efb8d6f0599c7da923)\n":          {openBaoName, "2.6.2"},
		"OpenBao v2.6.2 ('dd9c19c3'), built 2026-08-01T00:00:00Z (with cgo)\n": {openBaoName, "2.6.2"},
	} {
		got, err := productOf(line)
		require.NoError(t, err, line)
		assert.Equal(t, want, got, line)
	}
	for _, line := range []string{"", "Vault", "vault v1.21.1", "Consul v1.20.0", "Vault vine"} {
		_, err := productOf(line)
		assert.Error(t, err, line)
	}
}

func TestTraitsOfProducts(t *testing.T) {
	bao, old, tested, later := Product{openBaoName, "2.6.2"}, Product{vaultName, "1.19.5"}, Product{vaultName, "1.21.1"}, Product{vaultName, "2.0.0"}
	for which, want := range map[Trait][]bool{
		AuditByAPI:   {false, true, true, true},
		StandbyReads: {true, false, false, false},
		JSONLimits:   {false, false, true, true},
	} {
		assert.Equal(t, want, []bool{bao.Has(which), old.Has(which), tested.Has(which), later.Has(which)}, which)
	}
	assert.Panics(t, func() { bao.Has("what nobody has heard of") })
}

func TestSays(t *testing.T) {
	const text = "Success! Deregistered secret plugin: sei"
	assert.Equal(t, text, Product{vaultName, "1.21.1"}.Says(text))
	assert.Equal(t, "Success! Deregistered plugin (if it was registered): sei", Product{openBaoName, "2.6.2"}.Says(text))
}
