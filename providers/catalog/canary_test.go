package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// canary stands for anything an upstream may say. It has the form of a name of a
// scope, so that nothing keeps it out but what is known of real ones.
const canary = "squirrel-0f-the-upstream"

// hostile is an answer that says the canary wherever an upstream can say anything.
func hostile(status int, contentType string) providertest.Fault {
	body := fmt.Sprintf(`{"message":%[1]q,"typeKey":%[1]q,"error":%[1]q,"errorMessages":[%[1]q],"documentation_url":"https://%[1]s/","status":%[1]q,`+
		`"code":%[1]q,"responseMessages":[{"code":%[1]q,"message":%[1]q}],"error_description":%[1]q,"errors":[{"msg":%[1]q}]}`, canary)
	if contentType == "text/html" {
		body = "<html><body>" + canary + "</body></html>"
	}
	return providertest.Fault{Status: status, Body: body, Header: map[string]string{
		"Content-Type":                              contentType,
		"Location":                                  catalogtest.ElsewhereURL + "/" + canary,
		"WWW-Authenticate":                          "Basic realm=" + canary,
		"X-GitHub-SSO":                              "required; url=https://" + canary + ".example.com/",
		"X-Seraph-LoginReason":                      canary,
		"X-Authentication-Denied-Reason":            canary + "; login-url=https://" + canary + ".example.com/",
		"X-OAuth-Scopes":                            canary,
		"X-Accepted-GitHub-Permissions":             canary,
		"github-authentication-token-expiration":    canary,
		"X-RateLimit-Reset":                         canary,
		"RateLimit-Reset":                           canary,
		"RateLimit-ResetTime":                       canary,
		"SonarQube-Authentication-Token-Expiration": canary,
		"X-Credential-Type":                         canary,
		"X-TFS-ServiceError":                        canary,
		"X-TFS-FedAuthRedirect":                     canary,
	}}
}

// TestErrorsQuoteNobody answers every status in JSON and HTML and looks for the
// upstream's words, and the credential, in whatever can be printed.
func TestErrorsQuoteNobody(t *testing.T) {
	statuses := []int{200, 201, 202, 203, 204, 206, 300, 301, 302, 304, 307, 400, 401, 402, 403, 404, 405, 407, 410, 418, 422, 429, 500, 502, 503, 504, 599}
	for name, suite := range catalogtest.Parts() {
		for _, status := range statuses {
			for _, contentType := range []string{"application/json", "text/html"} {
				t.Run(fmt.Sprintf("%s %d %s", name, status, contentType), func(t *testing.T) {
					t.Parallel()
					quotesNobody(t, suite.Provider, suite, hostile(status, contentType))
				})
			}
		}
	}
}

func quotesNobody(t *testing.T, name string, suite catalogtest.Suite, fault providertest.Fault) {
	t.Helper()
	w := catalogtest.NewWorld()
	defer w.Close()
	suite.Good.Arrange(w)
	suite.Fake(w).Behave(fault)
	p, ok := registry(t).Provider(name)
	require.True(t, ok)

	v, err := p.Validate(t.Context(), w.Wire(suite.Good.Target), suite.Good.Credential)

	failure := asError(t, err)
	require.Error(t, err, "nothing here names an account")
	encoded, marshalErr := json.Marshal(failure)
	require.NoError(t, marshalErr)
	shown := string(encoded) + fmt.Sprintf("%v %+v %#v %+v %#v", err, err, err, *failure, *failure)
	assert.NotContains(t, shown, canary)
	keepsSecrets(t, suite.Good.Credential, v, err)
	if failure.Outcome == providers.Rejected {
		assert.Equal(t, http.StatusUnauthorized, fault.Status, "only a 401 says that a credential is bad")
	}
}

// TestLaterErrorsQuoteNobody is the same for the requests that come after the
// account is known, and for refusals in the form of Bitbucket.
func TestLaterErrorsQuoteNobody(t *testing.T) {
	cases := []struct {
		provider, path string
		settings       providers.Settings
		like           string // the case that comes so far, in place of settings
	}{
		{"jira", jiratest.DefaultCloudID + "/rest/api/3/myself", providers.Settings{}, "a token that neither knows is rejected"},
		{"github", "/orgs/acme", lists("organizations", "acme"), ""},
		{"github_actions", "/orgs/acme", lists("organizations", "acme"), ""},
		{"github_actions", "/actions/runs", lists("organizations", "acme"), ""},
		{"gitlab", "/user", providers.Settings{}, ""},
		{"bitbucket", "/2.0/user", providers.Settings{}, ""},
		{"bitbucket", "/permission", texts("workspace", "acme"), ""},
		{"bitbucket, access token", "/2.0/user", providers.Settings{}, "the kind that is told with the refusal of a user proves a token"},
		{"bitbucket, access token", "/projects/WEB", providers.Settings{}, "the token of a project works"},
		{"bitbucket, access token", "/repositories/acme", providers.Settings{}, "the token of a workspace works"},
		{"bitbucket, Data Center", "/users", providers.Settings{}, "a name that is removed on the way proves nothing, though users are told"},
		{"bitbucket, Data Center", "/projects/WEB", texts("project", "WEB"), ""},
		{"azure_devops", "/_apis/projects", texts("organization", "contoso", "service", "boards"), ""},
		{"azure_devops", "/_apis/wit/workitemrelationtypes", texts("organization", "contoso", "service", "boards"), ""},
	}
	nested := fmt.Sprintf(`{"type":"error","error":{"message":"privilege scopes %[1]s","detail":{"required":[%[1]q],"granted":[%[1]q]}},"errors":[{"exceptionName":%[1]q}]}`, canary)
	for _, c := range cases {
		for _, status := range []int{200, 203, 302, 400, 401, 403, 404, 410, 429, 500} {
			plain, inError := hostile(status, "application/json"), hostile(status, "application/json")
			inError.Body = nested
			for i, fault := range []providertest.Fault{plain, inError, hostile(status, "text/html")} {
				t.Run(fmt.Sprintf("%s %s %d %d", c.provider, c.path, status, i), func(t *testing.T) {
					t.Parallel()
					suite := catalogtest.Parts()[c.provider]
					if c.like != "" {
						i := slices.IndexFunc(suite.Cases, func(known catalogtest.Case) bool { return known.Name == c.like })
						require.GreaterOrEqual(t, i, 0, c.like)
						suite.Good = suite.Cases[i]
					} else {
						suite.Good.Target.Settings = c.settings
					}
					fault.Path = c.path
					quotesNobody(t, suite.Provider, suite, fault)
				})
			}
		}
	}
}
