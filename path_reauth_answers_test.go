package sei

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// asJSON is an answer in JSON.
func asJSON(status int, text string) providertest.Fault {
	return providertest.Fault{Status: status, Body: text, Header: map[string]string{"Content-Type": "application/json"}}
}

// TestOldSonarQubeRefusesBearer asks an old SonarQube, which ignores Bearer, with Basic
// whatever it says to a request in which it saw no credential.
func TestOldSonarQubeRefusesBearer(t *testing.T) {
	for name, refusal := range map[string]providertest.Fault{
		"in its own words":     asJSON(http.StatusUnauthorized, `{"errors":[{"msg":"Authentication is required"}]}`),
		"for want of rights":   asJSON(http.StatusForbidden, `{"errors":[{"msg":"Insufficient privileges"}]}`),
		"with a challenge":     {Status: http.StatusUnauthorized, Header: map[string]string{"WWW-Authenticate": `Basic realm="sonar"`}},
		"with an empty object": asJSON(http.StatusUnauthorized, `{}`),
		"without a word":       {Status: http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := catalogtest.Suites()["sonarqube"].Questions[1]
			m := withCase(t, "sonarqube", q.Of)
			refusal.Path, refusal.Times = q.Path, 1
			q.Fake(m.world).Behave(refusal)
			m.write(t, "reauth/one", sentFields(q.Of.Credential))
			assert.Equal(t, "healthy", m.write(t, "health/one", nil).data["status"])
			headers, _ := m.read(t, "creds/one")["headers"].(map[string]string)
			assert.Contains(t, headers["Authorization"], "Basic ")
			q.Fake(m.world).Revoke(q.Of.Credential.Value("api_key").Reveal())
			dead := m.write(t, "health/one", nil).data
			assert.Equal(t, "needs_reauth", dead["status"], dead["message"])
		})
	}
}

// addressRefusals are refusals of the address that the engine calls from, by provider.
func addressRefusals() map[string][]providertest.Fault {
	signed := asJSON(http.StatusUnauthorized, `{"message":"401 Unauthorized - IP address blocked"}`)
	signed.Header["X-Gitlab-Meta"] = `{"version":"1"}`
	return map[string][]providertest.Fault{
		"gitlab": {
			asJSON(http.StatusForbidden, `{"message":"403 Forbidden - Your IP address is not on the allowlist"}`),
			asJSON(http.StatusForbidden, `{"message":"403 Forbidden: IP address not allowed"}`),
			signed,
		},
		"sonarqube": {
			asJSON(http.StatusForbidden, `{"errors":[{"msg":"Your IP address is not on the allowlist of this organization"}]}`),
			asJSON(http.StatusUnauthorized, `{"errors":[{"msg":"Access denied"},{"msg":"Your IP address is blocked"}]}`),
		},
		"jira": {
			asJSON(http.StatusForbidden, `{"error":"The IP address has been rejected because it is not on the allowlist"}`),
			asJSON(http.StatusForbidden, `{"errors":["The IP address has been rejected because it is not on the allowlist"]}`),
			asJSON(http.StatusUnauthorized, `{"errors":[{"message":"Your IP address is not allowed"}]}`),
			asJSON(http.StatusForbidden, `{"errorMessages":[],"errors":{"ip":"The IP address has been rejected"}}`),
			asJSON(http.StatusForbidden, `"The IP address has been rejected because it is not on the allowlist"`),
		},
	}
}

// TestAddressesThatAreNotListed says what keeps the engine out, and asks nobody for a new
// credential.
func TestAddressesThatAreNotListed(t *testing.T) {
	for name, refusals := range addressRefusals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := catalogtest.Suites()[name].Questions[0]
			m := withCase(t, name, q.Of)
			for _, f := range refusals {
				f.Path = q.Path
				q.Fake(m.world).Behave(f)
				r := m.do(t, logical.UpdateOperation, "reauth/one", sentFields(q.Of.Credential))
				assert.Contains(t, r.message, "have an owner list the address of this Vault", f.Body)
				seen := m.write(t, "health/one", nil).data
				assert.NotEqual(t, "needs_reauth", seen["status"], f.Body)
				assert.Contains(t, seen["message"], "was not judged", f.Body)
			}
		})
	}
}

// TestEndsThatCannotBeRead warns of an end that an upstream tells in a form that has no
// meaning, and believes none.
func TestEndsThatCannotBeRead(t *testing.T) {
	const warning = "cannot be read, so it is not known when it ends; enter expires_at"
	sent := body{"pat": "ghp_aTokenOfMia"}
	for _, told := range []string{"2096-12-01 10:00:00 +2000", "2096-12-01 10:00:00 -2000", "2096-12-01 10:00:00 -1401", "2096-13-45 x", "2096-12-01 10:00:00 PST", "0001-01-01 00:00:00 UTC"} {
		m := newWorldMount(t)
		m.write(t, "integrations/one", body{"provider": "github", "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM(), "health_check_interval": 0})
		answer := asJSON(http.StatusOK, `{"login":"mia","id":7}`)
		answer.Path, answer.Header["Github-Authentication-Token-Expiration"] = "/user", told
		m.world.GitHub.Behave(answer)
		r := m.write(t, "reauth/one", sent)
		assert.Empty(t, r.data["expires_at"], told)
		assert.Contains(t, strings.Join(r.warnings, "\n"), warning, told)
	}
	m := newWorldMount(t)
	m.world.SonarQube.Add(sonarqubetest.SonarQubeToken{Token: "squ_aTokenOfMia", Login: "mia", Expires: "2096-12-31T15:44:27+2000"})
	m.write(t, "integrations/one", body{"provider": "sonarqube", "url": catalogtest.SonarQubeURL, "proxy_url": m.world.ProxyURL(), "ca_cert": m.world.CAPEM(), "health_check_interval": 0})
	r := m.write(t, "reauth/one", body{"username": "mia", "api_key": "squ_aTokenOfMia"})
	assert.Empty(t, r.data["expires_at"])
	assert.Contains(t, strings.Join(r.warnings, "\n"), warning)
}

// TestStrayPercentInAReason reads a reason of Azure DevOps that is not encoded, or not
// wholly: the account is no member, and its token is not dead.
func TestStrayPercentInAReason(t *testing.T) {
	q := catalogtest.Suites()["azure_devops"].Questions[0]
	m := withCase(t, "azure_devops", q.Of)
	for _, reason := range []string{
		"TF400813: The user '11111111-2222-3333-4444-555555555555' is 100% not authorized to access this resource.",
		"TF400813%3A%20The user %2711111111-2222-3333-4444-555555555555%27 is 100% not authorized to access this resource.",
		"TF400813: The user '11111111-2222-3333-4444-555555555555' is not authorized. %",
	} {
		q.Fake(m.world).Behave(providertest.Fault{Path: q.Path, Status: http.StatusUnauthorized, Header: map[string]string{"X-TFS-ServiceError": reason}})
		seen := m.write(t, "health/one", nil).data
		assert.Equal(t, "insufficient_scope", seen["code"], seen["message"])
		assert.Contains(t, seen["message"], "no member", reason)
	}
}

// TestGenericRefusalsOfTokens lets whatever can stand before a token endpoint refuse a
// renewal: nobody is blocked, and nobody is asked to consent again.
func TestGenericRefusalsOfTokens(t *testing.T) {
	m := withOAuth(t)
	m.visit(t, m.consent(t), 200)
	for name, f := range providertest.Between() {
		f.Path = "/site/oauth2/access_token"
		m.world.Bitbucket.Behave(f)
		m.refused(t, logical.UpdateOperation, "rotate/bb", nil, http.StatusBadGateway, "upstream_error")
		assert.NotContains(t, []any{"needs_reauth", "degraded"}, m.read(t, "health/bb")["status"], name)
	}
}
