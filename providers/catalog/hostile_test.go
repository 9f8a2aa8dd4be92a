package catalog_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// TestHostileIdentities lets every upstream name the account of a good credential by
// what nobody should have on a terminal, on a page or in storage.
func TestHostileIdentities(t *testing.T) {
	hostile := map[string]string{
		"a terminal's escapes":   "\x1b]0;owned\x07\x1b[2J",
		"NUL":                    "mia\x00admin",
		"line breaks":            "mia\r\nX-Evil: 1",
		"text from right":        "mia\u202eadmin",
		"nothing to see":         "\u200b\u2060",
		"bytes that are no text": "mia\xff\xfe",
		"1 MiB":                  strings.Repeat("m", 1<<20-4096),
		"300 characters":         strings.Repeat("m", 300),
		"blanks":                 "   ",
	}
	for name, suite := range catalogtest.Parts() {
		p, _ := registry(t).Provider(suite.Provider)
		good := newWorld(t)
		suite.Good.Arrange(good)
		v, err := p.Validate(t.Context(), good.Wire(suite.Good.Target), suite.Good.Credential)
		require.NoError(t, err)
		for what, text := range hostile {
			t.Run(name+" "+what, func(t *testing.T) {
				w := newWorld(t)
				suite.Good.Arrange(w)
				var changed atomic.Bool
				suite.Fake(w).Behave(providertest.Fault{Edit: naming(text, &changed, v.Identity, v.AccountID)})
				seen, err := p.Validate(t.Context(), w.Wire(suite.Good.Target), suite.Good.Credential)
				require.True(t, changed.Load(), "an answer names the account")
				if failure := asError(t, err); failure != nil {
					assert.Contains(t, []providers.Outcome{providers.UpstreamError, providers.IdentityMismatch}, failure.Outcome, failure.Detail)
				}
				shown := fmt.Sprintf("%+v %v", seen, err)
				assert.Less(t, len(shown), 4096)
				assert.False(t, strings.ContainsFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }), "%q", shown[:min(len(shown), 200)])
			})
		}
	}
}

// naming puts text in the place of names in JSON.
func naming(text string, changed *atomic.Bool, names ...string) func(string) string {
	quoted, _ := json.Marshal(text)
	if strings.Contains(text, "\xff") {
		quoted = []byte(`"` + text + `"`) // not as the encoder mends it
	}
	return func(body string) string {
		for _, name := range names {
			if own, _ := json.Marshal(name); name != "" && strings.Contains(body, string(own)) {
				changed.Store(true)
				body = strings.ReplaceAll(body, string(own), string(quoted))
			}
		}
		return body
	}
}

// TestManyScopes keeps a record small whatever an upstream grants.
func TestManyScopes(t *testing.T) {
	w := newWorld(t)
	scopes := strings.Fields(manyScopes())
	w.GitHub.AddClassic("mia", token, scopes...)
	v, err := provider(t, "github").Validate(t.Context(), w.Wire(providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"}), secrets("pat", token))
	require.NoError(t, err)
	assert.Len(t, v.Scopes, 256)
	assert.True(t, slices.IsSorted(v.Scopes))
}

// TestHostileTokenEndpoints tries the common faults on what is sent a client_secret.
func TestHostileTokenEndpoints(t *testing.T) {
	eachOAuth(t, func(t *testing.T, w *catalogtest.World, c oauthCase) {
		t.Helper()
		for name, want := range catalogtest.FaultOutcomes() {
			if strings.HasPrefix(name, "unauthorized") || strings.HasPrefix(name, "slow") || strings.HasPrefix(name, "drip") {
				continue // what a 401 means is the server's own; time has tests
			}
			fault, _ := providertest.NamedFault(name, catalogtest.ElsewhereURL)
			fault.Path = c.path
			c.server.Behave(fault)
			c.server.Forget()
			_, err := c.client(t).Refresh(t.Context(), hidden("refresh-canary"))
			failure := asError(t, err)
			require.Error(t, err, name)
			assert.Equal(t, want, failure.Outcome, "%s: %s", name, failure.Detail)
			assert.Len(t, c.server.Requests(), 1, "%s: sent once", name)
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, *failure, *failure), "canary")
		}
		for _, host := range w.Dialled() {
			assert.NotContains(t, host, "elsewhere")
		}
	})
}
