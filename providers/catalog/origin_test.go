package catalog_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// marksOfOrigin are headers that a vendor sets on all its answers, and nobody else, as the
// recorded answers show.
func marksOfOrigin() map[string]map[string]string {
	return map[string]map[string]string{
		"github":         {"X-GitHub-Request-Id": "1C45:12F767:6C7E73:D8C627:6814705C"},
		"github_actions": {"X-GitHub-Request-Id": "1C45:12F767:6C7E73:D8C627:6814705C"},
		"gitlab":         {"X-Gitlab-Meta": `{"correlation_id":"01KW4ZQK6G","version":"1"}`},
		"azure_devops":   {"X-TFS-ProcessId": "3ceef308-b328-48c9-b1b3-d4d97b5727fd"},
	}
}

// TestMarksOfOrigin lets each upstream that marks its answers refuse a credential in forms
// that it is not known to have: with the mark it is the vendor's word, without it nobody's.
func TestMarksOfOrigin(t *testing.T) {
	for name, mark := range marksOfOrigin() {
		q := catalogtest.Suites()[name].Questions[0]
		for answer, fault := range providertest.Between() {
			if fault.Status == http.StatusNotFound || absent(name, fault) {
				continue
			}
			t.Run(name+" "+answer, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				q.Of.Arrange(w)
				p, target := provider(t, name), w.Wire(q.Of.Target)
				judged := func(f providertest.Fault) *providers.Error {
					f.Path = q.Path
					q.Fake(w).Behave(f)
					_, err := p.Validate(t.Context(), target, q.Of.Credential)
					require.Error(t, err)
					return asError(t, err)
				}
				unmarked := judged(fault)
				assert.Equal(t, q.Wants(answer), unmarked.Outcome, unmarked.Detail)
				marked := fault
				marked.Header = maps.Clone(fault.Header)
				maps.Copy(marked.Header, mark)
				failure := judged(marked)
				want := providers.Rejected
				if fault.Status == http.StatusForbidden {
					want = providers.InsufficientScope
				}
				assert.Equal(t, want, failure.Outcome, failure.Detail)
			})
		}
	}
}

// absent reports whether the words of an answer, said by the vendor, are not about the
// credential at all: it did not arrive, or the address is refused.
func absent(provider string, f providertest.Fault) bool {
	body := strings.ToLower(f.Body)
	return strings.HasPrefix(provider, "github") && strings.Contains(body, "requires authentication") || strings.Contains(body, "address")
}
