package ecosystem_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// The policies of docs/operations.md for subscribers give what a server demands of who
// receives an event, and no credential. Vault Community has no stream; it knows the rights.
func TestPoliciesOfSubscribers(t *testing.T) {
	harness.Need(t, harness.Events)
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	page := harness.PageText(t, operationsPage)
	rights := func(policy, path string) []string {
		block := regexp.MustCompile("(?ms)^```hcl " + policy + "\n(.*?)^```$").FindStringSubmatch(page)
		require.NotNil(t, block, policy)
		token := tokenWith(t, server, policy, block[1])
		capabilities, err := server.Client(t).Sys().CapabilitiesWithContext(t.Context(), token, path)
		require.NoError(t, err)
		return capabilities
	}
	for path, want := range map[string][]string{
		"sys/events/subscribe/sei/*": {"read"},
		"sys/events/subscribe/sei*":  {"read"},
		"sys/events/subscribe/*":     {"deny"},
		"sei/creds/github-prod":      {"list", "subscribe"},
		"sei/health/github-prod":     {"list", "read", "subscribe"},
		"sei/integrations/jira-prod": {"deny"},
	} {
		assert.ElementsMatch(t, want, rights("events", path), path)
	}
	for path, want := range map[string][]string{
		"sys/events/subscribe/sei*": {"read"},
		"sys/mounts/sei":            {"read"},
		"sei/creds/github-prod":     {"read", "subscribe"},
		"sei/creds/jira-prod":       {"deny"},
	} {
		assert.ElementsMatch(t, want, rights("operator", path), path)
	}
}
