package catalog_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// worker is somebody who knows a url and what HeadersOf tells after a check.
type worker struct {
	name, provider string
	target         providers.Target
	cred           providers.Credential
	arrange        func(w *catalogtest.World)
	fake           func(w *catalogtest.World) http.Handler
	// url is another question than those of the check.
	url string
	// header is what must not be missing.
	header string
}

func workers() []worker {
	const account = harnesstest.DefaultHarnessAccount
	sonar := secrets("username", "mia", "api_key", token)
	return []worker{
		{
			"Harness", "harness",
			providers.Target{URL: catalogtest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", account)},
			secrets("email", email, "api_key", token), func(w *catalogtest.World) { w.Harness.AddToken(email, token) },
			func(w *catalogtest.World) http.Handler { return w.Harness },
			"https://app.harness.io/gateway/ng/api/token/aggregate?apiKeyType=USER&accountIdentifier=" + account, "x-api-key",
		},
		{
			"GitLab", "gitlab",
			providers.Target{URL: catalogtest.GitLabOwnURL, AuthType: "pat"},
			secrets("pat", token),
			func(w *catalogtest.World) { w.GitLabOwn.AddToken("mia", token, "read_api") },
			func(w *catalogtest.World) http.Handler { return w.GitLabOwn }, catalogtest.GitLabOwnURL + "/api/v4/version", "PRIVATE-TOKEN",
		},
		{
			"GitHub Actions", "github_actions",
			providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"},
			secrets("pat", token),
			func(w *catalogtest.World) { w.GitHub.AddClassic("mia", token, "repo", "read:org") },
			func(w *catalogtest.World) http.Handler { return w.GitHub }, "https://api.github.com/rate_limit", "Authorization",
		},
		{
			"SonarQube", "sonarqube",
			providers.Target{URL: catalogtest.SonarQubeURL, AuthType: "api_key"},
			sonar,
			func(w *catalogtest.World) { w.SonarQube.AddToken("mia", token) },
			func(w *catalogtest.World) http.Handler { return w.SonarQube }, catalogtest.SonarQubeURL + "/api/user_tokens/search", "Authorization",
		},
		{
			"an old SonarQube", "sonarqube",
			providers.Target{URL: catalogtest.SonarQubeOldURL, AuthType: "api_key"},
			sonar,
			func(w *catalogtest.World) { w.SonarQubeOld.AddToken("mia", token) },
			func(w *catalogtest.World) http.Handler { return w.SonarQubeOld }, catalogtest.SonarQubeOldURL + "/api/user_tokens/search", "Authorization",
		},
		{
			"SonarQube Cloud", "sonarqube",
			providers.Target{URL: catalogtest.SonarQubeCloudURL, AuthType: "api_key"},
			sonar,
			func(w *catalogtest.World) { w.SonarQubeCloud.AddToken("mia", token) },
			func(w *catalogtest.World) http.Handler { return w.SonarQubeCloud }, catalogtest.SonarQubeCloudURL + "/api/user_tokens/search", "Authorization",
		},
	}
}

// TestHeadersOf asks each upstream another question with what the check found out,
// and with what is known without it.
func TestHeadersOf(t *testing.T) {
	for _, c := range workers() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			p := provider(t, c.provider)
			v, err := p.Validate(t.Context(), w.Wire(c.target), c.cred)
			require.NoError(t, err)

			headers := providers.HeadersOf(p, c.target.AuthType, v.Scheme, c.cred)

			assert.Equal(t, http.StatusOK, answer(t, c.fake(w), c.url, headers))
			assert.Equal(t, http.StatusOK, answer(t, c.fake(w), c.url, p.Headers(c.target.AuthType, c.cred)), "also without a scheme")
			require.Contains(t, headers, c.header)
			without := maps.Clone(headers)
			delete(without, c.header)
			assert.Equal(t, http.StatusUnauthorized, answer(t, c.fake(w), c.url, without))
			assert.Empty(t, providers.HeadersOf(p, "nothing", v.Scheme, c.cred), "another auth type")

			c.target.AuthType = "nothing"
			_, err = p.Validate(t.Context(), w.Wire(c.target), c.cred)
			assert.Equal(t, providers.InvalidField, asError(t, err).Outcome)
		})
	}
}

// TestSchemes tells what SonarQube's two ways look like.
func TestSchemes(t *testing.T) {
	p, cred := provider(t, "sonarqube"), secrets("username", "mia", "api_key", "squ_1")
	for scheme, want := range map[string]string{"bearer": "Bearer squ_1", "basic": "Basic c3F1XzE6", "": "Basic c3F1XzE6"} {
		assert.Equal(t, want, providers.HeadersOf(p, "api_key", scheme, cred)["Authorization"], scheme)
	}
	gitlab := provider(t, "gitlab")
	assert.Equal(t, "t", providers.HeadersOf(gitlab, "pat", "bearer", secrets("pat", "t"))["PRIVATE-TOKEN"], "knows one way only")
}

// TestHarnessIsAskedOnce looks at the one request that a check is.
func TestHarnessIsAskedOnce(t *testing.T) {
	w := newWorld(t)
	w.Harness.AddToken(email, token)
	target := providers.Target{URL: catalogtest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", harnesstest.DefaultHarnessAccount)}
	_, err := provider(t, "harness").Validate(t.Context(), w.Wire(target), secrets("email", email, "api_key", token))
	require.NoError(t, err)
	requests := w.Harness.Requests()
	require.Len(t, requests, 1)
	assert.Equal(t, "/ng/api/token/validate", requests[0].Path)
	assert.Equal(t, "accountIdentifier="+harnesstest.DefaultHarnessAccount, requests[0].Query)
	assert.Equal(t, "text/plain", requests[0].ContentType)
	assert.Equal(t, int64(len(token)), requests[0].Body)
	assert.Equal(t, "X-Api-Key", requests[0].Auth)
}

// TestPostsAreSentAgain, for they only ask, and no more often than others.
func TestPostsAreSentAgain(t *testing.T) {
	for name, want := range map[string]int{"reset": 2, "server_error": 2, "unauthorized_empty": 1, "rate_limited": 1} {
		w := newWorld(t)
		fault, ok := providertest.NamedFault(name, "")
		require.True(t, ok)
		w.Harness.Behave(fault)
		target := providers.Target{URL: catalogtest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", "x")}
		_, err := provider(t, "harness").Validate(t.Context(), w.Wire(target), secrets("email", email, "api_key", token))
		require.Error(t, err)
		assert.Len(t, w.Harness.Requests(), want, name)
	}
}

// TestSonarQubeRequests counts what each kind of server is asked, for every refusal
// counts against the account.
func TestSonarQubeRequests(t *testing.T) {
	paths := func(f providertest.Fake) string {
		var all []string
		for _, r := range f.Requests() {
			all = append(all, strings.TrimPrefix(r.Path, "/sonar/api/")+" "+r.Auth)
		}
		return strings.ReplaceAll(strings.Join(all, ", "), "/api/", "")
	}
	cases := []struct{ name, url, known, want string }{
		{"a good token", catalogtest.SonarQubeURL, token, "users/current Bearer"},
		{"a bad token", catalogtest.SonarQubeURL, "", "users/current Bearer, server/version "},
		{"an old server", catalogtest.SonarQubeOldURL, token, "users/current Bearer, server/version , users/current Basic"},
		{"Cloud and a bad token", catalogtest.SonarQubeCloudURL, "", "users/current Bearer"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			fakes := []*sonarqubetest.SonarQube{w.SonarQube, w.SonarQubeOld, w.SonarQubeCloud}
			var asked []string
			for _, f := range fakes {
				f.AddToken("mia", c.known)
			}
			_, _ = provider(t, "sonarqube").Validate(t.Context(), w.Wire(providers.Target{URL: c.url, AuthType: "api_key"}), secrets("username", "mia", "api_key", token))
			for _, f := range fakes {
				if got := paths(f); got != "" {
					asked = append(asked, got)
				}
			}
			assert.Equal(t, []string{c.want}, asked)
		})
	}
}

// TestCredentialsOfAllKindsAreKept puts a credential that an upstream repeats into
// every answer and looks for it in what a check tells.
func TestCredentialsOfAllKindsAreKept(t *testing.T) {
	for _, suite := range catalogtest.Parts() {
		for _, status := range []int{200, 400, 401, 403, 404, 429} {
			w := newWorld(t)
			suite.Good.Arrange(w)
			secret := secretOf(t, suite.Good.Credential)
			suite.Fake(w).Behave(providertest.Fault{Status: status, Body: `{"message":"` + secret + `","error":"` + secret + `","error_description":"` + secret + `","login":"` + secret + `"}`})
			v, err := provider(t, suite.Provider).Validate(t.Context(), w.Wire(suite.Good.Target), suite.Good.Credential)
			require.Error(t, err)
			keepsSecrets(t, suite.Good.Credential, v, err)
		}
	}
}

func secretOf(t *testing.T, cred providers.Credential) string {
	t.Helper()
	for _, field := range []string{"api_key", "pat", "access_token"} {
		if slices.Contains(cred.Fields(), field) {
			return cred.Value(field).Reveal()
		}
	}
	require.Fail(t, "no secret")
	return ""
}

// TestSecretsThatCannotBeSent are refused by field, and nobody hears of them.
func TestSecretsThatCannotBeSent(t *testing.T) {
	bad := "line\nbreak"
	for name, cred := range map[string]providers.Credential{
		"harness": secrets("email", email, "api_key", bad), "gitlab": secrets("pat", bad),
	} {
		w := newWorld(t)
		suite := catalogtest.Suites()[name]
		_, err := provider(t, name).Validate(t.Context(), w.Wire(suite.Good.Target), cred)
		failure := asError(t, err)
		require.Error(t, err)
		assert.Equal(t, providers.InvalidField, failure.Outcome)
		assert.NotContains(t, failure.Detail, "break")
		assert.Empty(t, suite.Fake(w).Requests())
	}
}
