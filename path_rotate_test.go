package sei

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
)

// Who asks for a rotation that cannot be is told why, for that auth type alone, and what
// can be done instead.
func TestRotateUnsupported(t *testing.T) {
	m := newMount(t)
	const by = "; make another by hand and write it to reauth/x"
	for _, c := range []struct {
		settings body
		says     string
	}{
		{body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL}, "Jira cannot rotate this credential: a credential of auth_type api_key cannot make another" + by},
		{body{"provider": "jira", "auth_type": "pat", "url": m.jiraURL}, "Jira cannot rotate this credential: a credential of auth_type pat cannot make another" + by},
		{body{"provider": "jira", "auth_type": "connect_app", "url": m.jiraURL}, `integration "x" has auth_type connect_app. A Connect app is authenticated by its installation and has no credential that could be replaced here. Install the app again in Jira, or use auth_type api_key or pat`},
		{body{"provider": "github"}, "GitHub cannot rotate this credential: a credential of auth_type pat cannot make another" + by},
		{body{"provider": "github", "auth_type": "github_app"}, `integration "x" has auth_type github_app. A GitHub App is authenticated by its private key and installation, and has no token that could be replaced here. Renew the key in the app's settings, or use auth_type pat`},
		{body{"provider": "github_actions"}, "GitHub Actions cannot rotate this credential: a credential of auth_type pat cannot make another" + by},
		{body{"provider": "bitbucket", "auth_type": "api_key"}, "Bitbucket cannot rotate this credential: a credential of auth_type api_key cannot make another" + by + ", or use an integration with auth_type oauth, whose tokens are renewed"},
		{body{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": "repos"}, "Azure DevOps cannot rotate this credential: a credential of auth_type pat cannot make another" + by + ", or use an integration with auth_type oauth, whose tokens are renewed"},
	} {
		m.write(t, "integrations/x", c.settings)
		r := m.refused(t, logical.UpdateOperation, "rotate/x", nil, 400, "rotate_unsupported")
		assert.Equal(t, "rotate_unsupported: "+c.says, r.message)
		m.ok(t, logical.DeleteOperation, "integrations/x", nil)
	}
}
