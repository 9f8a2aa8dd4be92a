package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// TestSpecs demands what help, documentation and request parsing rely on.
func TestSpecs(t *testing.T) {
	r := registry(t)
	require.NotEmpty(t, r.Names())
	for _, name := range r.Names() {
		p, ok := r.Provider(name)
		require.True(t, ok)
		s := p.Spec()
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, name, s.Name)
			for what, text := range map[string]string{
				"Title": s.Title, "URLHelp": s.URLHelp, "LeastRights": s.LeastRights, "Expiry": s.Expiry, "Rotation": s.Rotation, "Check": s.Check,
			} {
				assert.NotEmpty(t, text, what)
			}
			assert.NotEmpty(t, s.Unverified)
			for _, assumed := range s.Unverified {
				assert.True(t, strings.HasSuffix(assumed.What, "."), "a sentence: %s", assumed.What)
				assert.True(t, strings.HasSuffix(assumed.Settled, "."), "what would settle it: %s", assumed.What)
			}
			require.NotEmpty(t, s.AuthTypes)
			for _, a := range s.AuthTypes {
				authTypeIsSound(t, s, a)
			}
			assert.Equal(t, s, p.Spec(), "the same value each time")
		})
	}
	_, ok := r.Provider("nobody")
	assert.False(t, ok)
}

func authTypeIsSound(t *testing.T, s providers.Spec, a providers.AuthType) {
	t.Helper()
	assert.NotEmpty(t, a.Title)
	assert.True(t, a.Unsupported == "" || strings.HasSuffix(a.Unsupported, "."), "sentences")
	seen := map[string]bool{}
	required := len(a.Fields) == 0 && a.Unsupported != ""
	for _, f := range a.Fields {
		fieldIsSound(t, f, seen)
		required = required || f.Required && f.Kind.Secret()
	}
	assert.True(t, required, "%s has no required secret", a.Name)
	for _, f := range s.SettingsOf(a.Name) {
		fieldIsSound(t, f, seen)
		assert.Equal(t, f.Name == "client_secret", f.Kind.Secret(), "no other setting is secret")
	}
}

func fieldIsSound(t *testing.T, f providers.Field, seen map[string]bool) {
	t.Helper()
	assert.NotEmpty(t, f.Title, f.Name)
	assert.NotEmpty(t, f.Description, f.Name)
	assert.False(t, seen[f.Name], "%s occurs twice", f.Name)
	seen[f.Name] = true
}

// TestContract keeps the names that users' policies and files depend on.
func TestContract(t *testing.T) {
	fields := func(fs []providers.Field) string {
		var names []string
		for _, f := range fs {
			n := f.Name
			if f.Required {
				n += "*"
			}
			names = append(names, n)
		}
		return strings.Join(names, " ")
	}
	cases := []struct{ provider, authType, fields, settings, url string }{
		{"jira", "api_key", "email* api_key* expires_at", "cloud_id", ""},
		{"jira", "pat", "pat* expires_at", "cloud_id", ""},
		{"jira", "service_account", "email* api_key* expires_at", "cloud_id", ""},
		{"jira", "connect_app", "", "cloud_id", ""},
		{"github", "pat", "pat* email", "organizations", "https://github.com"},
		{"github", "github_app", "", "organizations", "https://github.com"},
		{"bitbucket", "api_key", "email* api_key* expires_at", "workspace", "https://bitbucket.org"},
		{"bitbucket", "oauth", "code* state*", "workspace", "https://bitbucket.org"},
		{"bitbucket", "access_token", "access_token*", "workspace", "https://bitbucket.org"},
		{"bitbucket", "pat", "pat* expires_at", "workspace", "https://bitbucket.org"},
		{"azure_devops", "pat", "email* pat* expires_at", "organization* service* credential_group", "https://dev.azure.com"},
		{"azure_devops", "oauth", "code* state*", "organization* service* credential_group", "https://dev.azure.com"},
		{"harness", "api_key", "email* api_key*", "account_id*", "https://app.harness.io"},
		{"gitlab", "pat", "pat*", "", "https://gitlab.com"},
		{"github_actions", "pat", "pat* email", "organizations", "https://github.com"},
		{"sonarqube", "api_key", "username* api_key*", "organization", ""},
	}
	for _, c := range cases {
		s := provider(t, c.provider).Spec()
		a, ok := s.AuthType(c.authType)
		require.True(t, ok)
		assert.Equal(t, c.fields, fields(a.Fields))
		assert.Equal(t, c.settings, fields(s.Settings))
		assert.Equal(t, c.url, s.DefaultURL)
	}
	assert.Empty(t, provider(t, "jira").Spec().DefaultAuthType(), "two support re-authentication")
	assert.Equal(t, "pat", provider(t, "github").Spec().DefaultAuthType())
	for name, own := range map[string]string{"bitbucket": "", "azure_devops": "tenant_id* "} {
		spec := provider(t, name).Spec()
		assert.Empty(t, spec.DefaultAuthType(), "two support re-authentication")
		auth, _ := spec.AuthType("oauth")
		assert.Equal(t, own+"client_id* client_secret* redirect_uri* authorize_url token_url", fields(auth.Settings))
		assert.Equal(t, "access_token", fields(auth.Issued))
		for _, f := range auth.Settings {
			assert.Equal(t, f.Name != "client_secret" && f.Name != "redirect_uri", f.Locates, f.Name)
			assert.Equal(t, f.Name == "redirect_uri" || f.Name == "authorize_url", f.Visited, f.Name)
		}
	}
	for name, setting := range map[string]string{"harness": "account_id", "sonarqube": "organization"} {
		for _, f := range provider(t, name).Spec().Settings {
			assert.Equal(t, f.Name == setting, f.Locates, "%s of %s decides where a credential is sent", f.Name, name)
		}
	}
	_, ok := provider(t, "github").Spec().AuthType("nothing")
	assert.False(t, ok)
}
