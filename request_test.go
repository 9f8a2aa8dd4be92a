package sei

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A query name that a read does not know is told: resources=graphql would else hand out
// the token for core as if nothing were wrong.
func TestUnknownQueryNames(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	m.github.AddClassic("mia", "ghp_1", "repo")
	m.write(t, "reauth/github", body{"pat": "ghp_1"})

	r := m.ok(t, logical.ReadOperation, "creds/github", body{"resources": "graphql"})
	assert.Equal(t, []string{"of the query, resources is not known here and was not read; this path takes fingerprint, resource, version, wait"}, r.warnings)
	assert.Equal(t, "ghp_1", r.data["pat"])
	assert.Empty(t, m.ok(t, logical.ReadOperation, "creds/github", body{"resource": "graphql", "list": "false"}).warnings)
	assert.Len(t, m.ok(t, logical.ReadOperation, "creds/github", body{"Resource": "graphql"}).warnings, 1)

	for _, path := range []string{
		"creds/jira", "integrations/jira", "reauth/jira", "health/jira", "history/jira", "status", "config", "providers/jira",
	} {
		require.Len(t, m.ok(t, logical.ReadOperation, path, body{"name": "github", "version": 1}).warnings, 1, path)
		w := m.ok(t, logical.ReadOperation, path, body{"s3cr3t-K3Y": "s3cr3t"}).warnings
		require.Len(t, w, 1, path)
		assert.Contains(t, w[0], "(unprintable) is not known here")
		assert.NotContains(t, w[0], "s3cr3t")
		assert.Empty(t, m.ok(t, logical.ReadOperation, path, nil).warnings, path)
	}
	for _, path := range []string{"integrations/", "health/", "providers/"} {
		w := m.ok(t, logical.ListOperation, path, body{"status": "degraded", "after": "x"}).warnings
		assert.Equal(t, []string{"of the query, after, status is not known here and was not read; this path takes none"}, w, path)
	}
	// The pages of the callback have no warnings, and vendors add to its query.
	assert.Empty(t, m.ok(t, logical.ReadOperation, callbackPath, body{"state": "x", "code": "y", "session_state": "z"}).warnings)
}

func TestNamesThatStorageDoesNotTake(t *testing.T) {
	m := newMount(t)
	for _, name := range []string{"a..b", strings.Repeat("a", 129)} {
		r := m.refused(t, logical.CreateOperation, "integrations/"+name, body{"provider": "github"}, 400, "invalid_field")
		assert.Equal(t, []string{"name"}, r.data["fields"])
		m.refused(t, logical.ReadOperation, "integrations/"+name, nil, 404, "unknown_integration")
		m.refused(t, logical.ReadOperation, "creds/"+name, nil, 404, "unknown_integration")
		_, exists, err := m.HandleExistenceCheck(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "integrations/" + name})
		require.NoError(t, err)
		assert.False(t, exists)
	}
}

func TestQueriesOfReadsAreNotQuoted(t *testing.T) {
	m := withJira(t)
	for _, path := range []string{"reauth/jira", "creds/jira", "integrations/jira", "config", "history/jira"} {
		r := m.ok(t, logical.ReadOperation, path, body{"api_key": []string{"canary", "canary"}, "creds_ttl": "canary", "name": "canary"})
		assert.NotContains(t, fmt.Sprint(r), "canary", path)
	}
}
