package sei

import (
	"net/http"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

const azureToken = "a52charactersoftokenthatmiamadeforcontosoandnothinge"

// withAzure has integration azure with a credential at version 1.
func withAzure(t *testing.T, url, organization string) *oauthMount {
	t.Helper()
	m := newWorldMount(t)
	for _, fake := range []*azuredevopstest.AzureDevOps{m.world.AzureDevOps, m.world.AzureDevOpsServer} {
		fake.AddOrganization(azuredevopstest.AzureOrganization{Name: organization, Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
		fake.AddPAT("", email, azureToken)
	}
	m.write(t, "integrations/azure", body{"provider": "azure_devops", "auth_type": "pat", "url": url, "organization": organization, "service": "boards", "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()})
	return m
}

// TestOlderServer: the version of the API that a server knows is found once. Later
// checks begin with it, those of siblings and of the next credential too.
func TestOlderServer(t *testing.T) {
	m := withAzure(t, catalogtest.AzureDevOpsServerURL, "Main")
	server := m.world.AzureDevOpsServer
	server.Limit("6.0")
	refused := func() int {
		n := 0
		for _, r := range server.Requests() {
			if r.Status == http.StatusBadRequest {
				n++
			}
		}
		return n
	}
	m.write(t, "integrations/repos", body{"provider": "azure_devops", "auth_type": "pat", "url": catalogtest.AzureDevOpsServerURL, "organization": "Main", "service": "repos", "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM()})
	m.write(t, "reauth/azure", body{"email": email, "pat": azureToken})
	assert.Equal(t, 2, refused(), "7.1 and 7.0, once")

	server.Forget()
	for _, path := range []string{"health/azure", "health/repos"} {
		assert.Equal(t, "healthy", m.write(t, path, nil).data["status"])
	}
	m.write(t, "reauth/azure", body{"email": email, "pat": azureToken})
	assert.Zero(t, refused(), "remembered")
	server.Limit("5.0")
	assert.Equal(t, "healthy", m.write(t, "health/azure", nil).data["status"], "and found again where it is no more")
}

// TestWordsOfOthers: what stands between Vault and an upstream cannot make a credential
// that works look like one that does not, and a credential that is dead is found out.
func TestWordsOfOthers(t *testing.T) {
	m := withAzure(t, catalogtest.AzureDevOpsURL, "contoso")
	m.write(t, "reauth/azure", body{"email": email, "pat": azureToken})
	for name, f := range map[string]providertest.Fault{
		"a mesh":   {Status: http.StatusUnauthorized, Body: "Jwt is missing", Header: map[string]string{"Content-Type": "text/plain"}},
		"nothing":  {Status: http.StatusUnauthorized},
		"a proxy":  {Status: http.StatusUnauthorized, Body: `{"message":"Unauthorized"}`},
		"the stop": azuredevopstest.AzureAnswers()["organization_deactivated_503"].At(""),
	} {
		m.world.AzureDevOps.Behave(f)
		h := m.write(t, "health/azure", nil).data
		assert.Equal(t, "unreachable", h["status"], name)
		assert.Equal(t, "upstream_error", h["code"], name)
		assert.Contains(t, h["message"], "not judged", name)
	}
	for _, name := range []string{"conditional_access_403_html", "global_token_401", "no_member_401"} {
		m.world.AzureDevOps.Behave(azuredevopstest.AzureAnswers()[name].At(""))
		h := m.write(t, "health/azure", nil).data
		assert.Equal(t, "degraded", h["status"], name)
		assert.Equal(t, "insufficient_scope", h["code"], name)
	}
	m.world.AzureDevOps.Behave(providertest.Fault{})
	assert.Equal(t, "healthy", m.write(t, "health/azure", nil).data["status"])
	for _, name := range []string{"signin_page_203_blanks", "scope_missing_401", "server_wrong_pat_401", "pat_expired_401"} {
		m.world.AzureDevOps.Behave(azuredevopstest.AzureAnswers()[name].At("/_apis/connectionData"))
		assert.Equal(t, "needs_reauth", m.write(t, "health/azure", nil).data["status"], name)
		r := m.refused(t, logical.UpdateOperation, "reauth/azure", body{"email": email, "pat": azureToken}, 400, "credential_rejected")
		assert.Contains(t, r.message, "version 1 stays in use")
		m.world.AzureDevOps.Behave(providertest.Fault{})
		assert.Equal(t, "healthy", m.write(t, "health/azure", nil).data["status"], name)
	}
}
