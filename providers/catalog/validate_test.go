package catalog_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// The credentials of these tests.
const (
	email = "mia@example.com"
	token = "ATATT3xFfGF0-the-token-of-these-tests"
)

func secrets(pairs ...string) providers.Credential {
	c := providers.NewCredential(nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		c = c.With(pairs[i], append(c.Values(pairs[i]), providers.NewSecret(pairs[i+1]))...)
	}
	return c
}

func provider(t *testing.T, name string) providers.Provider {
	t.Helper()
	p, ok := registry(t).Provider(name)
	require.True(t, ok)
	return p
}

func newWorld(t *testing.T) *catalogtest.World {
	t.Helper()
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	return w
}

func jiraTarget() providers.Target {
	return providers.Target{URL: catalogtest.JiraCloudURL, AuthType: "api_key"}
}

// TestCredentialsGoWhereTheTargetSays counts the hosts that are dialled.
func TestCredentialsGoWhereTheTargetSays(t *testing.T) {
	cloudID := texts("cloud_id", jiratest.DefaultCloudID)
	cases := []struct {
		name     string
		provider string
		target   providers.Target
		cred     providers.Credential
		want     []string
	}{
		{"Jira without cloud id asks the site only", "jira", jiraTarget(), secrets("email", email, "api_key", token), []string{"acme.atlassian.net:443"}},
		{
			"Jira with cloud id may ask the gateway", "jira",
			providers.Target{URL: catalogtest.JiraCloudURL, AuthType: "api_key", Settings: cloudID},
			secrets("email", email, "api_key", token),
			[]string{"acme.atlassian.net:443", "api.atlassian.com:443"},
		},
		{
			"a Data Center token never goes to the gateway", "jira",
			providers.Target{URL: catalogtest.JiraDataCenterURL, AuthType: "pat", Settings: cloudID},
			secrets("pat", token),
			[]string{"jira.example.com:443"},
		},
		{"github.com is asked at its API", "github", providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"}, secrets("pat", token), []string{"api.github.com:443"}},
		{"a data residency is asked at its API", "github", providers.Target{URL: catalogtest.GitHubDataResidence, AuthType: "pat"}, secrets("pat", token), []string{"api.acme.ghe.com:443"}},
		{
			"Harness is asked itself", "harness",
			providers.Target{URL: catalogtest.HarnessURL, AuthType: "api_key", Settings: texts("account_id", "x")},
			secrets("email", email, "api_key", token),
			[]string{"app.harness.io:443"},
		},
		{"GitLab is asked itself", "gitlab", providers.Target{URL: catalogtest.GitLabOwnURL, AuthType: "pat"}, secrets("pat", token), []string{"gitlab.example.com:443"}},
		{"GitHub Actions is asked at GitHub's API", "github_actions", providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"}, secrets("pat", token), []string{"api.github.com:443"}},
		{
			"SonarQube is asked itself", "sonarqube",
			providers.Target{URL: catalogtest.SonarQubeOldURL, AuthType: "api_key"},
			secrets("username", "mia", "api_key", token),
			[]string{"sonarqube-old.example.com:443"},
		},
		{"an Enterprise Server is asked itself", "github", providers.Target{URL: catalogtest.GitHubEnterpriseURL, AuthType: "pat"}, secrets("pat", token), []string{"github.example.com:443"}},
		{
			"Bitbucket is asked at its API", "bitbucket",
			providers.Target{URL: catalogtest.BitbucketURL, AuthType: "api_key", Settings: texts("workspace", "acme")},
			secrets("email", email, "api_key", token),
			[]string{"api.bitbucket.org:443"},
		},
		{
			"an access token of Bitbucket goes to its API", "bitbucket",
			providers.Target{URL: catalogtest.BitbucketURL, AuthType: "access_token", Settings: texts("workspace", "acme", "repository", "app")},
			secrets("access_token", token),
			[]string{"api.bitbucket.org:443"},
		},
		{"a Bitbucket Data Center is asked itself", "bitbucket", providers.Target{URL: catalogtest.BitbucketServerURL, AuthType: "pat"}, secrets("pat", token), []string{"bitbucket.example.com:443"}},
		{
			"a service account's token never goes to the site", "jira",
			providers.Target{URL: catalogtest.JiraCloudURL, AuthType: "service_account", Settings: cloudID},
			secrets("email", email, "api_key", token),
			[]string{"api.atlassian.com:443"},
		},
		{"dev.azure.com is asked itself", "azure_devops", azureTarget(catalogtest.AzureDevOpsURL, "contoso"), secrets("email", email, "pat", token), []string{"dev.azure.com:443"}},
		{"the former address is asked itself", "azure_devops", azureTarget("https://contoso.visualstudio.com", "contoso"), secrets("email", email, "pat", token), []string{"contoso.visualstudio.com:443"}},
		{"an Azure DevOps Server is asked itself", "azure_devops", azureTarget(catalogtest.AzureDevOpsServerURL, "main"), secrets("email", email, "pat", token), []string{"devops.example.com:443"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := provider(t, c.provider).Validate(t.Context(), w.Wire(c.target), c.cred)
			require.Error(t, err, "no fake knows the token")
			dialled := w.Dialled()
			slices.Sort(dialled)
			assert.Equal(t, c.want, slices.Compact(dialled))
		})
	}
}

// TestRedirectsLeadNowhere follows none of them with a credential.
func TestRedirectsLeadNowhere(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		w := newWorld(t)
		w.GitHub.AddClassic("mia", token)
		w.Jira.Behave(providertest.Fault{Status: status, Header: map[string]string{"Location": "https://api.github.com/user"}})
		_, err := provider(t, "jira").Validate(t.Context(), w.Wire(jiraTarget()), secrets("email", email, "api_key", token))
		assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
		assert.Empty(t, w.GitHub.Requests())
		assert.Len(t, w.Jira.Requests(), 1)
	}
}

func TestTimeLimit(t *testing.T) {
	w := newWorld(t)
	slow, _ := providertest.NamedFault("slow_headers", "")
	w.Jira.Behave(slow)
	target := w.Wire(jiraTarget())
	cred := secrets("email", email, "api_key", token)

	t.Run("the target's limit bounds the whole check", func(t *testing.T) {
		target := target
		target.Timeout = 80 * time.Millisecond
		began := time.Now()
		_, err := provider(t, "jira").Validate(t.Context(), target, cred)
		assert.Equal(t, providers.Unreachable, asError(t, err).Outcome)
		assert.ErrorContains(t, err, "time limit")
		assert.Less(t, time.Since(began), 2*time.Second)
	})
	t.Run("a caller that gives up is told so", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		_, err := provider(t, "jira").Validate(ctx, target, cred)
		assert.Equal(t, providers.Unreachable, asError(t, err).Outcome)
		assert.ErrorContains(t, err, "cancelled")
	})
	t.Run("a caller that has given up sends nothing", func(t *testing.T) {
		w.Jira.Forget()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := provider(t, "jira").Validate(ctx, target, cred)
		require.Error(t, err)
		assert.Empty(t, w.Jira.Requests())
	})
}

// TestRetriesAreFew counts what a refusal costs: an account must not be locked.
func TestRetriesAreFew(t *testing.T) {
	for name, want := range map[string]int{
		"unauthorized_empty": 1, "forbidden_html": 1, "rate_limited": 1, "redirect": 1, "login_page": 1, "too_large": 1,
		"server_error": 2, "bad_gateway_html": 2, "reset": 2, "cut": 2,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			fault, ok := providertest.NamedFault(name, "")
			require.True(t, ok)
			w.Jira.Behave(fault)
			_, err := provider(t, "jira").Validate(t.Context(), w.Wire(jiraTarget()), secrets("email", email, "api_key", token))
			require.Error(t, err)
			assert.Len(t, w.Jira.Requests(), want)
		})
	}
}

func TestGitHubVersionHeader(t *testing.T) {
	for url, want := range map[string]string{
		catalogtest.GitHubURL: "2022-11-28", catalogtest.GitHubDataResidence: "2022-11-28", catalogtest.GitHubEnterpriseURL: "",
	} {
		w := newWorld(t)
		w.GitHub.AddClassic("mia", token)
		w.GitHubEnterprise.AddClassic("mia", token)
		_, err := provider(t, "github").Validate(t.Context(), w.Wire(providers.Target{URL: url, AuthType: "pat"}), secrets("pat", token))
		require.NoError(t, err)
		for _, r := range append(w.GitHub.Requests(), w.GitHubEnterprise.Requests()...) {
			assert.Equal(t, want, r.APIVersion, url)
			assert.Equal(t, "application/vnd.github+json", r.Accept)
		}
	}
}

// TestFineGrainedTokensNeedNoList saves them the request.
func TestFineGrainedTokensNeedNoList(t *testing.T) {
	w := newWorld(t)
	w.GitHub.AddFineGrained("mia", token)
	w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: "acme"})
	target := w.Wire(providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"})
	target.Settings.Lists["organizations"] = []string{"acme"}
	_, err := provider(t, "github").Validate(t.Context(), target, secrets("pat", token))
	require.NoError(t, err)
	var paths []string
	for _, r := range w.GitHub.Requests() {
		paths = append(paths, r.Path)
	}
	assert.Equal(t, []string{"/user", "/orgs/acme", "/user/memberships/orgs/acme"}, paths)
}

// TestSeveralOrganizations names all that a token cannot see.
func TestSeveralOrganizations(t *testing.T) {
	w := newWorld(t)
	w.GitHub.AddClassic("mia", token, "repo", "read:org")
	w.GitHub.AddOrganization(githubtest.GitHubOrganization{Login: "acme"})
	target := w.Wire(providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"})
	target.Settings.Lists["organizations"] = []string{"gone", "acme", "hidden"}
	_, err := provider(t, "github").Validate(t.Context(), target, secrets("pat", token))
	failure := asError(t, err)
	require.Error(t, err)
	assert.Equal(t, providers.InsufficientScope, failure.Outcome)
	assert.Equal(t, []string{"gone", "hidden"}, failure.Missing)
}

// TestHeaders uses what workers are given, by a client that knows nothing else.
func TestHeaders(t *testing.T) {
	w := newWorld(t)
	w.Jira.AddAPIToken(email, token)
	w.JiraDataCenter.AddPAT("mia", token)
	w.GitHub.AddClassic("mia", token)
	w.Bitbucket.AddAPIToken(email, token, "read:user:bitbucket", "read:repository:bitbucket")
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
	w.AzureDevOps.AddPAT("contoso", email, token)
	w.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "main"})
	w.AzureDevOpsServer.AddPAT("main", `CONTOSO\mia`, token)
	cases := []struct {
		name, provider, authType string
		cred                     providers.Credential
		fake                     http.Handler
		url                      string
	}{
		{"Jira Cloud", "jira", "api_key", secrets("email", email, "api_key", token), w.Jira, "https://acme.atlassian.net/rest/api/3/myself"},
		{"Jira Data Center", "jira", "pat", secrets("pat", token), w.JiraDataCenter, "https://jira.example.com/jira/rest/api/2/project"},
		{"GitHub", "github", "pat", secrets("pat", token, "pat", "another"), w.GitHub, "https://api.github.com/rate_limit"},
		{"Bitbucket", "bitbucket", "api_key", secrets("email", email, "api_key", token), w.Bitbucket, "https://api.bitbucket.org/2.0/user/emails"},
		{"Azure DevOps", "azure_devops", "pat", secrets("email", email, "pat", token), w.AzureDevOps, "https://dev.azure.com/contoso/Web/_apis/git/repositories?api-version=7.1"},
		{"Azure DevOps Server", "azure_devops", "pat", secrets("email", email, "pat", token), w.AzureDevOpsServer, "https://devops.example.com/tfs/main/_apis/projects?api-version=7.1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			headers := provider(t, c.provider).Headers(c.authType, c.cred)
			assert.Equal(t, http.StatusOK, answer(t, c.fake, c.url, headers))
			delete(headers, "Authorization")
			assert.Contains(t, []int{http.StatusUnauthorized, http.StatusNonAuthoritativeInfo}, answer(t, c.fake, c.url, headers))
		})
	}
	for name, target := range map[string]providers.Target{
		"jira": {URL: "https://github.com", AuthType: "connect_app"}, "github": {URL: "https://github.com", AuthType: "github_app"},
		"bitbucket":    {URL: "https://bitbucket.org", AuthType: "other"},
		"azure_devops": {URL: "https://dev.azure.com", AuthType: "other", Settings: texts("organization", "contoso", "service", "boards")},
	} {
		assert.Empty(t, provider(t, name).Headers(target.AuthType, secrets()))
		_, err := provider(t, name).Validate(t.Context(), w.Wire(target), secrets())
		assert.Equal(t, providers.InvalidField, asError(t, err).Outcome)
	}
}

func answer(t *testing.T, h http.Handler, url string, headers map[string]string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("User-Agent", "a worker")
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(w, r)
	return w.status
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return io.Discard.Write(p) }

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	before := goleak.IgnoreCurrent()
	func() {
		w := catalogtest.NewWorld()
		defer w.Close()
		w.GitHub.AddClassic("mia", token, "repo", "read:org")
		r := catalog.All("1")
		defer r.Close()
		p, _ := r.Provider("github")
		target := w.Wire(providers.Target{URL: catalogtest.GitHubURL, AuthType: "pat"})
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				_, err := p.Validate(t.Context(), target, secrets("pat", token))
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	}()
	goleak.VerifyNone(t, before)
}
