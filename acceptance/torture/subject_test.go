package torture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// subject is a credential record under load: the integrations that share it, and where
// new credentials for it come from. Credential n has the account …-n<n>, and all of its
// parts tell the number, so that a mixture shows.
type subject struct {
	*ledger
	integrations map[string]map[string]any // name → settings
	names        []string
	// enter makes credential n at the upstream and returns what a person enters.
	enter func(n int) map[string]any
	// consent does so for OAuth, at the page of a URL.
	consent func(n int, url string) (map[string]any, error)
	// address is where what is served must work, and is answered with the account.
	address string
	// lasts says that its credential was entered once and is renewed.
	lasts bool
}

// rotates reports whether the engine makes the credentials itself, but for the first.
func (s *subject) rotates() bool { return s.name == "sonar" }

// subjects are records of several kinds. Each old credential goes on working, but for
// what a rotation replaces.
func subjects(f *harness.Fakes, callback string) []*subject {
	w := f.World
	behind := func(settings map[string]any) map[string]any {
		settings["proxy_url"], settings["ca_cert"] = f.URLs["PROXY"], w.CAPEM()
		return settings
	}
	all := []*subject{
		jiraSubject(f, "jira-one"), jiraSubject(f, "jira-two"),
		{
			ledger: newLedger("pool"), address: f.Direct["GITHUB"] + "/api/v3/user",
			integrations: map[string]map[string]any{"pool": {"provider": "github", "url": f.URLs["GITHUB"]}},
			enter: func(n int) map[string]any {
				tokens := []string{fmt.Sprintf("ghp_torture-n%d-a", n), fmt.Sprintf("ghp_torture-n%d-b", n)}
				for i, token := range tokens {
					w.GitHubEnterprise.AddClassic(fmt.Sprintf("octo%d-n%d", i, n), token, "repo", "read:org")
				}
				return map[string]any{"pat": tokens}
			},
		},
		azureSubject(w, behind), entraSubject(w, callback, behind),
		{
			ledger: newLedger("sonar"), address: catalogtest.SonarQubeURL + "/api/users/current",
			integrations: map[string]map[string]any{"sonar": behind(map[string]any{"provider": "sonarqube", "url": catalogtest.SonarQubeURL})},
			enter: func(int) map[string]any {
				w.SonarQube.AddToken("ada", enteredAtSonar)
				return map[string]any{"username": "ada", "api_key": enteredAtSonar}
			},
		},
	}
	for _, s := range all {
		s.names = slices.Sorted(maps.Keys(s.integrations))
	}
	return all
}

const enteredAtSonar = "squ_entered_by_a_person"

func jiraSubject(f *harness.Fakes, name string) *subject {
	return &subject{
		ledger: newLedger(name), address: f.Direct["JIRA"] + "/rest/api/3/myself",
		integrations: map[string]map[string]any{name: {"provider": "jira", "auth_type": "api_key", "url": f.URLs["JIRA"]}},
		enter: func(n int) map[string]any {
			email, key := fmt.Sprintf("%s-n%d@example.com", name, n), fmt.Sprintf("key-of-%s-n%d", name, n)
			f.World.Jira.AddAPIToken(email, key)
			return map[string]any{"email": email, "api_key": key}
		},
	}
}

const azureAddress = "https://dev.azure.com/acme/_apis/connectionData?api-version=7.1-preview"

func azureSubject(w *catalogtest.World, behind func(map[string]any) map[string]any) *subject {
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
	s := &subject{
		ledger: newLedger("azure"), address: azureAddress, integrations: map[string]map[string]any{},
		enter: func(n int) map[string]any {
			email, pat := fmt.Sprintf("azure-n%d@example.com", n), fmt.Sprintf("azure-pat-n%d", n)
			w.AzureDevOps.AddPAT("acme", email, pat)
			return map[string]any{"email": email, "pat": pat}
		},
	}
	for _, service := range []string{"boards", "repos", "pipelines"} {
		s.integrations[service] = behind(map[string]any{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": service})
	}
	return s
}

// accessLife is how long access tokens live; they are renewed after the half of it.
const accessLife = 6 * time.Second

// entraSubject is of the server whose refresh tokens go on working after their use: at
// one where they do not, a refresh that is cut off is lost, which is documented.
func entraSubject(w *catalogtest.World, callback string, behind func(map[string]any) map[string]any) *subject {
	w.Entra.AddClient(authserver.OAuthClient{ID: "engine", Secret: "an-entra-secret", RedirectURI: callback, Tenant: "contoso.onmicrosoft.com"})
	w.Entra.SetLife(accessLife)
	var browser sync.Mutex
	return &subject{
		ledger: newLedger("entra"), address: azureAddress,
		integrations: map[string]map[string]any{"entra": behind(map[string]any{
			"provider": "azure_devops", "auth_type": "oauth", "organization": "acme", "service": "boards", "tenant_id": "contoso.onmicrosoft.com",
			"client_id": "engine", "client_secret": "an-entra-secret", "redirect_uri": callback,
		})},
		consent: func(n int, url string) (map[string]any, error) {
			browser.Lock()
			defer browser.Unlock()
			w.Entra.SignIn(azuredevopstest.AzureToken{Account: fmt.Sprintf("entra-n%d@example.com", n), Organization: "acme"})
			back, err := w.Consent(url, true)
			if err != nil {
				return nil, err
			}
			return map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")}, nil
		},
	}
}

// configure writes the integrations of all subjects.
func configure(t *testing.T, server *harness.Server, f *harness.Fakes, all []*subject) {
	t.Helper()
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{
		"allowed_hosts":         append(f.World.AllowedHosts(), "http://127.0.0.1"),
		"health_check_interval": 4, "rollback_window": 0, "request_timeout": 5, "history_limit": historyLimit,
	})
	for _, s := range all {
		for name, settings := range s.integrations {
			harness.Write(t, client, "sei/integrations/"+name, settings)
		}
	}
}

const historyLimit = 20

// whole returns the label of a credential that was read, and whether its parts belong
// together.
func whole(data map[string]any) (label string, same bool) {
	labels := labelsIn(data)
	switch len(labels) {
	case 0:
		return "", true
	case 1:
		return labels[0], true
	}
	return partsOf(data), false
}

// partsOf is what tells to which credential the parts of an answer belong.
func partsOf(data map[string]any) string {
	parts, _ := json.Marshal([]any{data["identity"], data["email"], data["api_key"], data["pat"], data["pats"], data["headers"]})
	return string(parts)
}

// told makes a swap of an answer. Where nothing tells the number, the fingerprint is
// the label.
func told(data map[string]any) swap {
	number, _ := data["version"].(json.Number)
	version, _ := number.Int64()
	s := swap{version: int(version)}
	s.cause, _ = data["cause"].(string)
	s.fingerprint, _ = data["fingerprint"].(string)
	s.changed, _ = data["identity_changed"].(bool)
	if s.label, _ = whole(data); s.label == "" {
		s.label = s.fingerprint
	}
	return s
}

// assertNothingLeftAtSonar demands that of the tokens that live each is the one that is
// served or was entered by a person.
func assertNothingLeftAtSonar(t *testing.T, server *harness.Server, w *catalogtest.World) {
	t.Helper()
	served, err := server.Client(t).Logical().ReadWithContext(t.Context(), "sei/creds/sonar")
	require.NoError(t, err)
	unknown := slices.DeleteFunc(w.SonarQube.Living("ada"), func(token string) bool {
		return token == served.Data["api_key"] || token == enteredAtSonar
	})
	assert.Empty(t, unknown, "tokens that nobody has are left at SonarQube")
}
