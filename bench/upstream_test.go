package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/bench"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// The engine's own check takes the upstream for GitHub.
func TestTheUpstreamIsOneToTheEngine(t *testing.T) {
	upstream, err := bench.NewUpstream(t.Context(), 3)
	require.NoError(t, err)
	t.Cleanup(upstream.Close)
	registry := catalog.All("test")
	t.Cleanup(registry.Close)
	github, _ := registry.Provider("github")
	check := func(ctx context.Context, host int, token string) providers.Verified {
		hosts, err := providers.ParseAllowedHosts([]string{"http://127.0.0.1"})
		require.NoError(t, err)
		verified, err := github.Validate(ctx, providers.Target{URL: upstream.Address(host), AuthType: "pat", AllowedHosts: hosts},
			providers.NewCredential(map[string][]providers.Secret{"pat": {providers.NewSecret(token)}}))
		require.NoError(t, err)
		return verified
	}
	first := check(t.Context(), 0, bench.Token("mia", 1))
	assert.Equal(t, "mia", first.Identity)
	assert.Empty(t, first.Warnings)
	assert.Equal(t, first.AccountID, check(t.Context(), 4, bench.Token("mia", 2)).AccountID, "another token and host, the same account")
	assert.NotEqual(t, first.AccountID, check(t.Context(), 0, bench.Token("ada", 1)).AccountID)
	assert.NotEqual(t, upstream.Address(0), upstream.Address(1))

	upstream.Count()
	upstream.SetDelay(50 * time.Millisecond)
	began := time.Now()
	check(t.Context(), 0, bench.Token("mia", 1))
	check(t.Context(), 1, bench.Token("mia", 1))
	assert.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond)
	assert.Equal(t, 1, upstream.Counted(), "different tokens")
}
