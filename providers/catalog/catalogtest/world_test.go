package catalogtest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/jira/jiratest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// caller is a client of the World that is not the engine's.
type caller struct {
	t      *testing.T
	client *http.Client
}

func newCaller(t *testing.T, w *catalogtest.World) caller {
	t.Helper()
	proxy, err := url.Parse(w.ProxyURL())
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM([]byte(w.CAPEM())))
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return caller{t, &http.Client{Transport: transport}}
}

// do sends a request and returns status and body; header holds name, value pairs.
func (c caller) do(method, address, body string, header ...string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(body))
	require.NoError(c.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.client.Do(r)
	require.NoError(c.t, err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return res.StatusCode, string(text)
}

func TestFakesAreStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.Jira.AddAPIToken("mia@example.com", "plain")
	w.Jira.AddScopedToken("mia@example.com", "scoped", "read:jira-user")
	w.JiraDataCenter.AddPAT("mia", "server")
	w.GitHub.AddClassic("mia", "classic", "repo")
	w.GitHubEnterprise.AddClassic("mia", "classic", "repo")
	w.Bitbucket.AddAPIToken("mia@example.com", "plain", "read:user:bitbucket", "read:workspace:bitbucket")
	w.Bitbucket.AddAPIToken("mia@example.com", "scoped")
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "closed", Members: []string{"mia@example.com"}})
	w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "open", Public: true})
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "contoso", Projects: []azuredevopstest.AzureProject{{Name: "Web"}}})
	w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "open", Projects: []azuredevopstest.AzureProject{{Name: "Open", Public: true}}})
	w.AzureDevOps.AddPAT("contoso", "mia@example.com", "plain", "vso.project", "vso.build")
	w.AzureDevOpsServer.AddOrganization(azuredevopstest.AzureOrganization{Name: "main"})
	w.AzureDevOpsServer.AddPAT("main", `CONTOSO\mia`, "plain")
	const azure, pat = "https://dev.azure.com/contoso", "Basic OnBsYWlu"
	gateway := "https://api.atlassian.com/ex/jira/" + w.Jira.CloudID()
	const site, server = "https://acme.atlassian.net", "https://jira.example.com/jira"
	plain, scoped, bearer := "Basic bWlhQGV4YW1wbGUuY29tOnBsYWlu", "Basic bWlhQGV4YW1wbGUuY29tOnNjb3BlZA==", "Bearer classic"
	cases := []struct {
		name, method, url, auth, body string
		want                          int
	}{
		{"a site knows a plain token", "GET", site + "/rest/api/3/myself", plain, "", 200},
		{"a site refuses a scoped token", "GET", site + "/rest/api/3/myself", scoped, "", 401},
		{"the gateway knows a scoped token", "GET", gateway + "/rest/api/3/myself", scoped, "", 200},
		{"the gateway demands the scope", "GET", gateway + "/rest/api/3/project/search", scoped, "", 401},
		{"the gateway has no site's paths", "GET", "https://api.atlassian.com/rest/api/3/myself", plain, "", 404},
		{"a site has no gateway's paths", "GET", site + "/ex/jira/" + w.Jira.CloudID() + "/rest/api/3/myself", plain, "", 404},
		{"another cloud id is nobody", "GET", "https://api.atlassian.com/ex/jira/x/rest/api/3/myself", scoped, "", 404},
		{"nobody is unauthorised", "GET", site + "/rest/api/3/myself", "", "", 401},
		{"a GET with a body is a failed login", "GET", site + "/rest/api/3/myself", plain, "{}", 401},
		{"a POST is not allowed", "POST", site + "/rest/api/3/myself", plain, "", 405},
		{"an unknown path is not found", "GET", site + "/rest/api/3/nothing", plain, "", 404},
		{"a slash at the end is not found", "GET", site + "/rest/api/3/myself/", plain, "", 404},
		{"Bearer on a site is forbidden", "GET", site + "/rest/api/3/myself", "Bearer plain", "", 403},
		{"a list is shown to anybody", "GET", site + "/rest/api/3/project/search", "", "", 200},
		{"Data Center knows its token", "GET", server + "/rest/api/2/project", "Bearer server", "", 200},
		{"Data Center knows no version 3", "GET", server + "/rest/api/3/myself", "Bearer server", "", 404},
		{"Data Center needs its context path", "GET", "https://jira.example.com/rest/api/2/myself", "Bearer server", "", 404},
		{"the tenant is told to anybody", "GET", site + "/_edge/tenant_info", "", "", 200},
		{"GitHub knows a token", "GET", "https://api.github.com/user", bearer, "", 200},
		{"GitHub takes the old scheme", "GET", "https://api.github.com/user", "token classic", "", 200},
		{"GitHub's API has no prefix", "GET", "https://api.github.com/api/v3/user", bearer, "", 404},
		{"GitHub refuses a body", "GET", "https://api.github.com/user", bearer, "{}", 400},
		{"GitHub tells no slash at the end", "GET", "https://api.github.com/user/", bearer, "", 404},
		{"GitHub demands a token", "GET", "https://api.github.com/rate_limit", "", "", 401},
		{"GitHub knows no POST here", "POST", "https://api.github.com/user", bearer, "", 405},
		{"an Enterprise Server has a prefix", "GET", "https://github.example.com/api/v3/user", bearer, "", 200},
		{"an Enterprise Server demands it", "GET", "https://github.example.com/user", bearer, "", 404},
		{"Bitbucket knows an e-mail and its token", "GET", "https://api.bitbucket.org/2.0/user", plain, "", 200},
		{"Bitbucket takes no user name", "GET", "https://api.bitbucket.org/2.0/user", "Basic bWlhOnBsYWlu", "", 401},
		{"Bitbucket refuses a token without scopes", "GET", "https://api.bitbucket.org/2.0/user", scoped, "", 401},
		{"Bitbucket demands the scope", "GET", "https://api.bitbucket.org/2.0/repositories/closed", plain, "", 403},
		{"Bitbucket demands a login", "GET", "https://api.bitbucket.org/2.0/user/emails", "", "", 401},
		{"Bitbucket lists the workspaces of a member", "GET", "https://api.bitbucket.org/2.0/user/workspaces", plain, "", 200},
		{"Bitbucket knows a member", "GET", "https://api.bitbucket.org/2.0/user/workspaces/closed/permission", plain, "", 200},
		{"Bitbucket knows who is no member", "GET", "https://api.bitbucket.org/2.0/user/workspaces/open/permission", plain, "", 403},
		{"Bitbucket shows a public workspace to anybody", "GET", "https://api.bitbucket.org/2.0/workspaces/open", "", "", 200},
		{"Bitbucket shows public repositories to anybody", "GET", "https://api.bitbucket.org/2.0/repositories/open?pagelen=1", "", "", 200},
		{"Bitbucket shows a private workspace to members", "GET", "https://api.bitbucket.org/2.0/workspaces/closed", plain, "", 200},
		{"Bitbucket shows a private workspace to nobody else", "GET", "https://api.bitbucket.org/2.0/workspaces/closed", "", "", 401},
		{"Bitbucket has removed the list of all workspaces", "GET", "https://api.bitbucket.org/2.0/workspaces", plain, "", 410},
		{"Bitbucket's API has a version", "GET", "https://api.bitbucket.org/user", plain, "", 403},
		{"Bitbucket tells no slash at the end", "GET", "https://api.bitbucket.org/2.0/user/", plain, "", 404},
		{"Bitbucket's pages are no API", "GET", "https://bitbucket.org/2.0/user", plain, "", 404},
		{"Bitbucket refuses a body", "GET", "https://api.bitbucket.org/2.0/user", plain, "{}", 400},
		{"Bitbucket knows no POST here", "POST", "https://api.bitbucket.org/2.0/user", plain, "", 405},
		{"Azure DevOps knows a token without user name", "GET", azure + "/_apis/projects?api-version=7.1", pat, "", 200},
		{"Azure DevOps takes any user name", "GET", azure + "/_apis/projects?api-version=7.1", plain, "", 200},
		{"Azure DevOps answers at the former address", "GET", "https://contoso.visualstudio.com/_apis/projects?api-version=7.1", pat, "", 200},
		{"Azure DevOps shows who is nobody its sign-in page", "GET", azure + "/_apis/projects?api-version=7.1", "", "", 203},
		{"Azure DevOps takes exact base64 only", "GET", azure + "/_apis/projects?api-version=7.1", pat + "=", "", 203},
		{"Azure DevOps takes no Bearer", "GET", azure + "/_apis/projects?api-version=7.1", "Bearer plain", "", 203},
		{"Azure DevOps demands the scope", "GET", azure + "/Web/_apis/git/repositories?api-version=7.1", pat, "", 401},
		{"Azure DevOps demands a preview version", "GET", azure + "/_apis/connectionData?api-version=7.1", pat, "", 400},
		{"Azure DevOps demands a version", "GET", azure + "/_apis/projects", pat, "", 400},
		{"Azure DevOps knows a preview version", "GET", azure + "/_apis/connectionData?api-version=7.1-preview", pat, "", 200},
		{"Azure DevOps knows no other organisation", "GET", "https://dev.azure.com/nobody/_apis/projects?api-version=7.1", pat, "", 404},
		{"Azure DevOps does not take a token elsewhere", "GET", "https://dev.azure.com/open/Open/_apis/git/repositories?api-version=7.1", pat, "", 203},
		{"Azure DevOps answers anybody where projects are public", "GET", "https://dev.azure.com/open/_apis/connectionData?api-version=7.1-preview", "", "", 200},
		{"Azure DevOps lists public projects to anybody", "GET", "https://dev.azure.com/open/_apis/projects?api-version=7.1", "", "", 200},
		{"Azure DevOps refuses a body", "GET", azure + "/_apis/projects?api-version=7.1", pat, "{}", 400},
		{"Azure DevOps knows no POST here", "POST", azure + "/_apis/projects?api-version=7.1", pat, "", 405},
		{"Azure DevOps knows no other path", "GET", azure + "/_apis/nothing?api-version=7.1", pat, "", 404},
		{"Azure DevOps knows no other project", "GET", azure + "/Other/_apis/build/definitions?api-version=7.1", pat, "", 404},
		{"a server knows a token", "GET", "https://devops.example.com/tfs/main/_apis/projects?api-version=7.1", pat, "", 200},
		{"a server needs its context path", "GET", "https://devops.example.com/main/_apis/projects?api-version=7.1", pat, "", 404},
		{"a server has no sign-in page", "GET", "https://devops.example.com/tfs/main/_apis/projects?api-version=7.1", "", "", 401},
		{"a name that leads nowhere", "GET", "https://elsewhere.example.com/", bearer, "", 404},
	}
	c := newCaller(t, w)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			status, _ := c.do(tc.method, tc.url, tc.body, "Authorization", tc.auth, "Accept", "application/json")
			assert.Equal(t, tc.want, status)
		})
	}
	t.Run("GitHub demands a User-Agent", func(t *testing.T) {
		status, body := c.do(http.MethodGet, "https://api.github.com/user", "", "Authorization", bearer, "User-Agent", "")
		assert.Equal(t, http.StatusForbidden, status)
		assert.Contains(t, body, "User Agent")
	})
	t.Run("GitHub refuses a version it never had", func(t *testing.T) {
		status, _ := c.do(http.MethodGet, "https://api.github.com/user", "", "Authorization", bearer, "X-GitHub-Api-Version", "2000-01-01")
		assert.Equal(t, http.StatusBadRequest, status)
	})
	t.Run("the log holds no credential", func(t *testing.T) {
		for _, f := range w.Fakes() {
			log, err := json.Marshal(f.Requests())
			require.NoError(t, err)
			for _, secret := range []string{"plain", "scoped", "server", "classic", "bWlh"} {
				assert.NotContains(t, string(log), secret)
			}
		}
	})
	t.Run("a name without handler is not reached", func(t *testing.T) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://www.example.org/", http.NoBody)
		require.NoError(t, err)
		res, err := c.client.Do(r)
		if err == nil {
			_ = res.Body.Close()
		}
		assert.Error(t, err)
	})
	t.Run("the proxy does nothing but CONNECT", func(t *testing.T) {
		status, _ := caller{t, http.DefaultClient}.do(http.MethodGet, w.ProxyURL(), "")
		assert.Equal(t, http.StatusMethodNotAllowed, status)
	})
}

func TestControl(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	control := httptest.NewServer(w.Control())
	t.Cleanup(control.Close)
	remote, c := caller{t, http.DefaultClient}, newCaller(t, w)
	change := func(t *testing.T, method, path, body string) {
		t.Helper()
		status, text := remote.do(method, control.URL+path, body)
		assert.Equal(t, http.StatusNoContent, status, text)
	}
	user := func() int {
		status, _ := c.do(http.MethodGet, "https://api.github.com/user", "", "Authorization", "Bearer t")
		return status
	}

	assert.Equal(t, 401, user())
	change(t, "POST", "/github/tokens", `{"token":"t","login":"mia","scopes":["repo"]}`)
	assert.Equal(t, 200, user())
	change(t, "POST", "/github/fault", `{"name":"rate_limited","times":1}`)
	assert.Equal(t, 429, user())
	assert.Equal(t, 200, user(), "once only")
	change(t, "POST", "/github/fault", `{"status":418,"path":"/user","wait_ms":1,"drip_ms":1}`)
	assert.Equal(t, 418, user())
	change(t, "DELETE", "/github/fault", "")
	assert.Equal(t, 200, user())
	change(t, "POST", "/github/organizations", `{"login":"acme"}`)
	status, _ := c.do(http.MethodGet, "https://api.github.com/orgs/ACME", "", "Authorization", "Bearer t")
	assert.Equal(t, 200, status)
	change(t, "DELETE", "/github/tokens", `{"token":"t"}`)
	assert.Equal(t, 401, user())

	change(t, "POST", "/bitbucket/tokens", `{"token":"t","email":"mia@example.com","scopes":["read:user:bitbucket","read:workspace:bitbucket"]}`)
	change(t, "POST", "/bitbucket/organizations", `{"slug":"acme","members":["mia@example.com"]}`)
	status, _ = c.do(http.MethodGet, "https://api.bitbucket.org/2.0/user/workspaces/acme/permission", "", "Authorization", "Basic bWlhQGV4YW1wbGUuY29tOnQ=")
	assert.Equal(t, 200, status)
	change(t, "POST", "/azure_devops/organizations", `{"name":"contoso","projects":[{"name":"Web"}]}`)
	change(t, "POST", "/azure_devops/tokens", `{"token":"t","account":"mia@example.com","organization":"contoso","scopes":["vso.project"]}`)
	status, _ = c.do(http.MethodGet, "https://dev.azure.com/contoso/_apis/projects?api-version=7.1", "", "Authorization", "Basic OnQ=")
	assert.Equal(t, 200, status)
	change(t, "DELETE", "/azure_devops/tokens", `{"token":"t"}`)
	status, _ = c.do(http.MethodGet, "https://dev.azure.com/contoso/_apis/projects?api-version=7.1", "", "Authorization", "Basic OnQ=", "X-TFS-FedAuthRedirect", "Suppress")
	assert.Equal(t, 401, status)

	change(t, "POST", "/jira/tokens", `{"token":"t","email":"mia@example.com"}`)
	change(t, "POST", "/jira/captcha", `{"user":"mia@example.com","url":"https://acme.atlassian.net/login.jsp"}`)
	status, _ = c.do(http.MethodGet, "https://acme.atlassian.net/rest/api/3/myself", "", "Authorization", "Basic bWlhQGV4YW1wbGUuY29tOnQ=")
	assert.Equal(t, 403, status)

	status, log := remote.do(http.MethodGet, control.URL+"/github/requests", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, log, `"path":"/user"`)
	change(t, "DELETE", "/github/requests", "")
	_, log = remote.do(http.MethodGet, control.URL+"/github/requests", "")
	assert.NotContains(t, log, "/user")
	_, ca := remote.do(http.MethodGet, control.URL+"/ca", "")
	assert.Equal(t, w.CAPEM(), ca)
	_, proxy := remote.do(http.MethodGet, control.URL+"/proxy", "")
	assert.Equal(t, w.ProxyURL()+"\n", proxy)

	for _, bad := range []struct{ path, body string }{
		{"/github/tokens", "x"},
		{"/jira/organizations", "{}"},
		{"/bitbucket/tokens", "x"},
		{"/bitbucket/organizations", "x"},
		{"/azure_devops/tokens", "x"},
		{"/azure_devops/organizations", "x"},
		{"/github/organizations", "x"},
		{"/github/captcha", "{}"},
		{"/github/fault", `{"name":"nonsense"}`},
	} {
		status, _ := remote.do(http.MethodPost, control.URL+bad.path, bad.body)
		assert.Equal(t, http.StatusBadRequest, status, bad.path)
	}
	status, _ = remote.do(http.MethodGet, control.URL+"/nobody/requests", "")
	assert.Equal(t, http.StatusNotFound, status)
}

// TestAnswersAreTold demands a source for every answer, and that what is meant to
// be JSON is.
func TestAnswersAreTold(t *testing.T) {
	sets := answerSets()
	// Answers of token endpoints have no case in a suite, which checks credentials.
	sets["bitbucket_oauth"], sets["entra"] = bitbuckettest.BitbucketOAuthAnswers(), azuredevopstest.EntraAnswers()
	for provider, answers := range catalogtest.RotationAnswers() {
		sets[provider+" rotation"] = answers
	}
	for _, answers := range sets {
		require.NotEmpty(t, answers)
		for name, a := range answers {
			assert.NotEmpty(t, a.Source, name)
			assert.NotZero(t, a.Status, name)
			if body := []byte(a.Body); bytes.HasPrefix(body, []byte("{")) || bytes.HasPrefix(body, []byte("[")) {
				assert.True(t, json.Valid(body), name)
			}
		}
	}
}

func answerSets() map[string]map[string]providertest.Answer {
	return map[string]map[string]providertest.Answer{
		"jira": jiratest.JiraAnswers(), "github": githubtest.GitHubAnswers(), "harness": harnesstest.HarnessAnswers(),
		"bitbucket": bitbuckettest.BitbucketAnswers(), "azure_devops": azuredevopstest.AzureAnswers(),
		"gitlab": gitlabtest.GitLabAnswers(), "github_actions": githubtest.GitHubActionsAnswers(), "sonarqube": sonarqubetest.SonarQubeAnswers(),
	}
}

// TestEveryAnswerIsMet demands a case for each answer that is kept, in every suite.
func TestEveryAnswerIsMet(t *testing.T) {
	for provider := range catalogtest.Suites() {
		assert.Contains(t, answerSets(), provider, "a suite without answers")
	}
	for provider, answers := range answerSets() {
		cases := catalogtest.Suites()[provider].All()
		for name := range answers {
			assert.True(t, slices.ContainsFunc(cases, func(c catalogtest.Case) bool {
				return strings.Contains(" "+c.Name+" ", " answer "+name+" ")
			}), "%s has no case for the answer %s", provider, name)
		}
	}
}
