package catalogtest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/github/githubtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/sonarqube/sonarqubetest"
)

// question is a request to a fake and the status that the real one answers.
type question struct {
	name, method, url, body string
	header                  []string
	want                    int
}

func ask(t *testing.T, w *catalogtest.World, questions []question) {
	t.Helper()
	c := newCaller(t, w)
	for _, q := range questions {
		t.Run(q.name, func(t *testing.T) {
			status, _ := c.do(q.method, q.url, q.body, q.header...)
			assert.Equal(t, q.want, status)
		})
	}
}

func TestHarnessIsStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.Harness.AddToken("mia@example.com", "known")
	w.Harness.Add(harnesstest.HarnessToken{Token: "expired", Expired: true})
	w.Harness.Add(harnesstest.HarnessToken{Token: "disabled", Disabled: true})
	const root, query = "https://app.harness.io", "?accountIdentifier=" + harnesstest.DefaultHarnessAccount
	const validate = root + "/ng/api/token/validate"
	as := func(token string) []string { return []string{"x-api-key", token, "Content-Type", "text/plain"} }
	ask(t, w, []question{
		{"a token is known", "POST", validate + query, "known", as("known"), 200},
		{"also behind the gateway", "POST", root + "/gateway/ng/api/token/validate" + query, "known", as("known"), 200},
		{"also in another cluster", "POST", "https://app3.harness.io/ng/api/token/validate" + query, "known", as("known"), 200},
		{"a GET is not allowed", "GET", validate + query, "", as("known"), 405},
		{"JSON is not text", "POST", validate + query, "known", []string{"x-api-key", "known", "Content-Type", "application/json"}, 415},
		{"the header is demanded", "POST", validate + query, "known", []string{"Content-Type", "text/plain"}, 401},
		{"the body is demanded", "POST", validate + query, "", as("known"), 400},
		{"the body is the token", "POST", validate + query, "another", as("known"), 400},
		{"the account is demanded", "POST", validate, "known", as("known"), 400},
		{"the account is the token's", "POST", validate + "?accountIdentifier=another", "known", as("known"), 401},
		{"a token is unknown", "POST", validate + query, "unknown", as("unknown"), 400},
		{"a token has expired", "POST", validate + query, "expired", as("expired"), 401},
		{"an owner is disabled", "POST", validate + query, "disabled", as("disabled"), 403},
		{"a list demands the token", "GET", root + "/ng/api/token/aggregate" + query, "", nil, 401},
		{"a list knows the token", "GET", root + "/ng/api/token/aggregate" + query, "", as("known"), 200},
		{"other paths are not found", "GET", root + "/ng/api/user/currentUser" + query, "", as("known"), 404},
		{"a self-managed one knows its own only", "POST", "https://harness.example.com/ng/api/token/validate" + query, "known", as("known"), 400},
	})
	assertLogIsClean(t, w.Harness, "known", "unknown", "disabled")
}

func TestGitLabIsStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.GitLab.AddToken("mia", "reader", "read_api")
	w.GitLab.AddToken("mia", "puller", "read_repository")
	w.GitLab.Add(gitlabtest.GitLabToken{Token: "fine", Username: "mia", FineGrained: true})
	w.GitLabOwn.AddToken("mia", "reader", "read_api")
	w.GitLabOld.AddToken("mia", "reader", "read_api")
	const api, own = "https://gitlab.com/api/v4", "https://gitlab.example.com/gitlab/api/v4"
	as := func(token string) []string { return []string{"PRIVATE-TOKEN", token} }
	ask(t, w, []question{
		{"a token is known", "GET", api + "/personal_access_tokens/self", "", as("reader"), 200},
		{"also as Bearer", "GET", api + "/personal_access_tokens/self", "", []string{"Authorization", "Bearer reader"}, 200},
		{"any scope may ask for itself", "GET", api + "/personal_access_tokens/self", "", as("puller"), 200},
		{"not any may ask for the user", "GET", api + "/user", "", as("puller"), 403},
		{"a fine-grained one needs the permission", "GET", api + "/personal_access_tokens/self", "", as("fine"), 403},
		{"nobody is unauthorised", "GET", api + "/user", "", nil, 401},
		{"a token is unknown", "GET", api + "/user", "", as("unknown"), 401},
		{"a POST is not found", "POST", api + "/user", "", as("reader"), 404},
		{"another path is not found", "GET", api + "/users", "", as("reader"), 404},
		{"a slash at the end is not found", "GET", api + "/user/", "", as("reader"), 404},
		{"another question needs a login", "GET", api + "/version", "", nil, 401},
		{"another question knows the token", "GET", api + "/version", "", as("reader"), 200},
		{"a relative root works", "GET", own + "/user", "", as("reader"), 200},
		{"a relative root is demanded", "GET", "https://gitlab.example.com/api/v4/user", "", as("reader"), 404},
		{"an old one does not know of itself", "GET", "https://gitlab-old.example.com/api/v4/personal_access_tokens/self", "", as("reader"), 404},
	})
	assertLogIsClean(t, w.GitLab, "reader", "puller", "unknown")
}

func TestSonarQubeIsStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	for _, s := range []*sonarqubetest.SonarQube{w.SonarQube, w.SonarQubeOld} {
		s.AddToken("mia", "known")
	}
	w.SonarQubeCloud.Add(sonarqubetest.SonarQubeToken{Token: "known", Login: "mia", Organizations: []string{"acme"}})
	const server, old, cloud = "https://sonarqube.example.com/sonar", "https://sonarqube-old.example.com", "https://sonarcloud.io"
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	basic := func(pair string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	}
	ask(t, w, []question{
		{"a server reads Bearer", "GET", server + "/api/users/current", "", bearer("known"), 200},
		{"and Basic without password", "GET", server + "/api/users/current", "", basic("known:"), 200},
		{"but not with the user name", "GET", server + "/api/users/current", "", basic("mia:known"), 401},
		{"a token is unknown", "GET", server + "/api/users/current", "", bearer("unknown"), 401},
		{"nobody is unauthorised", "GET", server + "/api/users/current", "", nil, 401},
		{"the version is told to anybody", "GET", server + "/api/server/version", "", nil, 200},
		{"rubbish is validated with 200", "GET", server + "/api/authentication/validate", "", bearer("unknown"), 200},
		{"a list of tokens needs a login", "GET", server + "/api/user_tokens/search", "", nil, 401},
		{"a list of tokens knows the token", "GET", server + "/api/user_tokens/search", "", bearer("known"), 200},
		{"a context path is demanded", "GET", "https://sonarqube.example.com/api/users/current", "", bearer("known"), 404},
		{"an unknown path of the API is not found", "GET", server + "/api/users/nobody", "", bearer("known"), 404},
		{"a server has no organizations", "GET", server + "/api/organizations/search", "", bearer("known"), 404},
		{"any other path is the web application", "GET", server + "/projects", "", nil, 200},
		{"an old server ignores Bearer", "GET", old + "/api/users/current", "", bearer("known"), 401},
		{"an old server reads Basic", "GET", old + "/api/users/current", "", basic("known:"), 200},
	})
	c := newCaller(t, w)
	t.Run("nobody is answered where anybody is let in", func(t *testing.T) {
		w.SonarQubeOld.AllowAnonymous(true)
		status, body := c.do(http.MethodGet, old+"/api/users/current", "", bearer("unknown")...)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, `"isLoggedIn":false`)
		_, body = c.do(http.MethodGet, old+"/api/authentication/validate", "", bearer("unknown")...)
		assert.JSONEq(t, `{"valid":true}`, body)
		status, _ = c.do(http.MethodGet, old+"/api/users/current", "", basic("unknown:")...)
		assert.Equal(t, http.StatusUnauthorized, status, "a token that is read and bad is never nobody")
	})
	t.Run("an organization is told to anybody, a membership is not", func(t *testing.T) {
		_, body := c.do(http.MethodGet, cloud+"/api/organizations/search?organizations=other", "", bearer("known")...)
		assert.Contains(t, body, `"key":"other"`)
		_, body = c.do(http.MethodGet, cloud+"/api/organizations/search?organizations=other,acme&member=true", "", bearer("known")...)
		assert.NotContains(t, body, `"key":"other"`)
		assert.Contains(t, body, `"key":"acme"`)
	})
	assertLogIsClean(t, w.SonarQube, "known", "unknown", base64.StdEncoding.EncodeToString([]byte("known:")))
}

func TestGitHubRepositoriesAreStrict(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	w.GitHub.AddClassic("mia", "all", "repo")
	w.GitHub.AddClassic("mia", "public", "public_repo")
	w.GitHub.Add(githubtest.GitHubToken{Token: "fine", Login: "mia", FineGrained: true, NoActions: "forbidden"})
	w.GitHub.Add(githubtest.GitHubToken{Token: "blind", Login: "mia", FineGrained: true, NoActions: "hidden"})
	w.GitHub.AddOrganization(githubtest.GitHubOrganization{
		Login: "acme", Repositories: []githubtest.GitHubRepository{{Name: "site"}, {Name: "engine", Private: true, Runs: 2}},
	})
	const api = "https://api.github.com"
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	ask(t, w, []question{
		{"runs of a private repository", "GET", api + "/repos/acme/engine/actions/runs", "", as("all"), 200},
		{"runs of a private repository are hidden", "GET", api + "/repos/acme/engine/actions/runs", "", as("public"), 404},
		{"runs of a public repository are everybody's", "GET", api + "/repos/acme/site/actions/runs", "", as("fine"), 200},
		{"runs are forbidden", "GET", api + "/repos/acme/engine/actions/runs", "", as("fine"), 403},
		{"runs are hidden", "GET", api + "/repos/acme/engine/actions/runs", "", as("blind"), 404},
		{"runs of nothing", "GET", api + "/repos/acme/nothing/actions/runs", "", as("all"), 404},
		{"runs of nobody", "GET", api + "/repos/nobody/engine/actions/runs", "", as("all"), 404},
		{"runs for nobody", "GET", api + "/repos/acme/engine/actions/runs", "", nil, 401},
		{"repositories of nobody", "GET", api + "/orgs/nobody/repos", "", as("all"), 404},
		{"repositories for nobody", "GET", api + "/orgs/acme/repos", "", nil, 401},
	})
	c := newCaller(t, w)
	for query, want := range map[string]string{
		"?type=private&per_page=1": `["engine"]`, "?type=public": `["site"]`, "?per_page=1": `["site"]`, "": `["site","engine"]`,
	} {
		_, body := c.do(http.MethodGet, api+"/orgs/acme/repos"+query, "", as("all")...)
		var list []struct{ Name string }
		require.NoError(t, json.Unmarshal([]byte(body), &list))
		names := []string{}
		for _, r := range list {
			names = append(names, r.Name)
		}
		got, err := json.Marshal(names)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(got), query)
	}
}

func assertLogIsClean(t *testing.T, f providertest.Fake, secrets ...string) {
	t.Helper()
	log, err := json.Marshal(f.Requests())
	require.NoError(t, err)
	for _, secret := range secrets {
		assert.NotContains(t, string(log), `"`+secret)
	}
}

// TestControlOfAll adds a token to every fake by its JSON and takes it away.
func TestControlOfAll(t *testing.T) {
	w := catalogtest.NewWorld()
	t.Cleanup(w.Close)
	control := httptest.NewServer(w.Control())
	t.Cleanup(control.Close)
	remote, c := caller{t, http.DefaultClient}, newCaller(t, w)
	const account = "?accountIdentifier=" + harnesstest.DefaultHarnessAccount
	cases := []struct {
		fake, token, url string
		header           []string
		refused          int
	}{
		{"harness", `{"token":"t","email":"mia@example.com"}`, "https://app.harness.io/ng/api/token/aggregate" + account, []string{"x-api-key", "t"}, 400},
		{"harness_own", `{"token":"t","email":"mia@example.com"}`, "https://harness.example.com/ng/api/token/aggregate" + account, []string{"x-api-key", "t"}, 400},
		{"gitlab", `{"token":"t","username":"mia","scopes":["read_api"]}`, "https://gitlab.com/api/v4/user", []string{"PRIVATE-TOKEN", "t"}, 401},
		{"gitlab_own", `{"token":"t","username":"mia","scopes":["read_api"]}`, "https://gitlab.example.com/gitlab/api/v4/user", []string{"PRIVATE-TOKEN", "t"}, 401},
		{"gitlab_old", `{"token":"t","username":"mia","scopes":["read_api"]}`, "https://gitlab-old.example.com/api/v4/user", []string{"PRIVATE-TOKEN", "t"}, 401},
		{"sonarqube", `{"token":"t","login":"mia"}`, "https://sonarqube.example.com/sonar/api/users/current", []string{"Authorization", "Bearer t"}, 401},
		{"sonarqube_old", `{"token":"t","login":"mia"}`, "https://sonarqube-old.example.com/api/users/current", []string{"Authorization", "Basic dDo="}, 401},
		{"sonarqube_cloud", `{"token":"t","login":"mia","organizations":["acme"]}`, "https://sonarqube.us/api/users/current", []string{"Authorization", "Bearer t"}, 401},
		{"github", `{"token":"t","login":"mia","fine_grained":true,"no_actions":"hidden"}`, "https://api.github.com/user", []string{"Authorization", "Bearer t"}, 401},
	}
	for _, tc := range cases {
		t.Run(tc.fake, func(t *testing.T) {
			for _, step := range []struct {
				method, body string
				want         int
			}{{"POST", tc.token, 200}, {"DELETE", `{"token":"t"}`, tc.refused}} {
				status, text := remote.do(step.method, control.URL+"/"+tc.fake+"/tokens", step.body)
				require.Equal(t, http.StatusNoContent, status, text)
				status, _ = c.do(http.MethodGet, tc.url, "", tc.header...)
				assert.Equal(t, step.want, status)
			}
			status, _ := remote.do(http.MethodPost, control.URL+"/"+tc.fake+"/tokens", "x")
			assert.Equal(t, http.StatusBadRequest, status)
		})
	}
	status, _ := remote.do(http.MethodPost, control.URL+"/sonarqube/anonymous", `{"allow":true}`)
	assert.Equal(t, http.StatusNoContent, status)
	status, _ = c.do(http.MethodGet, "https://sonarqube.example.com/sonar/api/users/current", "")
	assert.Equal(t, http.StatusOK, status)
	for path, body := range map[string]string{"/sonarqube/anonymous": "x", "/gitlab/anonymous": "{}", "/gitlab/organizations": "{}", "/harness/captcha": "{}"} {
		status, _ = remote.do(http.MethodPost, control.URL+path, body)
		assert.Equal(t, http.StatusBadRequest, status, path)
	}
}
