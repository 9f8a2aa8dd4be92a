package catalog_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// Requests are told of under the names of the providers that send them, also where nobody
// answers, as here where the proxy is away.
func TestRequestsAreTimedByProvider(t *testing.T) {
	for _, name := range catalog.All("test").Names() {
		t.Run(name, func(t *testing.T) {
			registry := catalog.All("test")
			t.Cleanup(registry.Close)
			var mu sync.Mutex
			timed := map[string]int{}
			registry.TimeRequests(func(provider string, took time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				assert.Positive(t, took)
				timed[provider]++
			})
			hosts, err := providers.ParseAllowedHosts([]string{"http://127.0.0.1", "https://*.example.com", "https://api.bitbucket.org"})
			require.NoError(t, err)
			spec := registry.Spec(name)
			auth := spec.AuthTypes[0]
			target := providers.Target{
				URL: "https://upstream.example.com", AuthType: auth.Name, AllowedHosts: hosts,
				Settings: texts("proxy_url", "http://127.0.0.1:1", "organization", "acme", "account_id", "acme", "workspace", "acme", "service", "boards"),
			}
			switch name {
			case "bitbucket":
				target.URL = spec.DefaultURL
			case "sonarqube":
				delete(target.Settings.Texts, "organization")
			}
			values := map[string][]providers.Secret{}
			for _, f := range auth.Fields {
				if f.Required {
					values[f.Name] = []providers.Secret{providers.NewSecret("mia@example.com")}
				}
			}
			provider, _ := registry.Provider(name)
			_, err = provider.Validate(t.Context(), target, providers.NewCredential(values))
			require.Error(t, err)
			require.Len(t, timed, 1, "%v: %v", timed, err)
			assert.Positive(t, timed[name], "%v", timed)
		})
	}
}
