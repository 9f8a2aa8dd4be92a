package input_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/input"
)

func TestRedirectWarning(t *testing.T) {
	for uri, warns := range map[string]string{
		"": "",
		"https://vault.example.com/v1/sei/oauth/callback":     "",
		"https://vault.example.com/v1/sei/oauth/callback/":    "ends with a slash",
		"https://vault.example.com/v1/old/oauth/callback":     "the callback of another mount",
		"https://example.com/vault/v1/old/oauth/callback":     "",
		"https://pages.example.com/signed-in":                 "",
		"https://vault.example.com/v1/oauth/callback":         "",
		"https://vault.example.com/\x7fv1/old/oauth/callback": "",
	} {
		warning := input.RedirectWarning(uri, "sei/", "oauth/callback")
		if warns == "" {
			assert.Empty(t, warning, uri)
		} else {
			assert.Contains(t, warning, warns, uri)
		}
	}
	for _, uri := range []string{"https://vault.example.com/v1/ns/sei/oauth/callback", "https://vault.example.com/v1/sei/oauth/callback"} {
		assert.Empty(t, input.RedirectWarning(uri, "ns/sei/", "oauth/callback"), "a header may name the namespace")
	}
	assert.Empty(t, input.RedirectWarning("https://vault.example.com/v1/old/oauth/callback", "", "oauth/callback"), "a request that does not tell the mount")
}
