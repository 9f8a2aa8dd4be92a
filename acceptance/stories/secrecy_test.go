package stories_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/acceptance/harness/evidence"
	"vault-plugin-secrets-sei/providers/azuredevops/azuredevopstest"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/gitlab/gitlabtest"
	"vault-plugin-secrets-sei/providers/harness/harnesstest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// awkward ends the canaries: it reads differently in each form of writing.
const awkward = `+/="q"\b&<t>?~.`

func canaryNamed(name string) string { return "canary-" + name + "-" + awkward }

// entered is a credential that a person makes and enters.
type entered struct {
	name     string // of the integration
	settings map[string]any
	field    string
	beside   map[string]any
	add      func(token string)
	rotates  bool
}

// A secret of every kind is used rightly and wrongly: stored, replaced, refused, sent to
// the wrong place, handed out, rotated, rolled back, and in flight when the plugin dies.
// That none shows up is looked for when all tests have ended, see evidence.
func TestEverySecretIsACanary(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartRaft(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	w, client := fakes.World, server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": append(w.AllowedHosts(), "http://127.0.0.1")})
	for _, e := range enteredIn(w) {
		t.Run(e.name, func(t *testing.T) { e.use(t, client, w) })
	}
	t.Run("oauth", func(t *testing.T) { authorize(t, server, w) })
	t.Run("misplaced", func(t *testing.T) { misplace(t, client) })
	t.Run("the plugin dies", func(t *testing.T) { quitInFlight(t, server, w) })
	assertKinds(t, w)
}

// assertKinds demands that the search will know of every kind that there is.
func assertKinds(t *testing.T, w *catalogtest.World) {
	t.Helper()
	set, challenges, err := evidence.Of(t).Known()
	require.NoError(t, err)
	kinds := set.Kinds()
	for _, s := range w.Secrets() {
		kinds = append(kinds, s.Kind)
	}
	for _, kind := range []string{
		"jira token", "jira_dc token", "github token", "bitbucket token", "bitbucket_server token", "azure_devops token", "harness_own token", "gitlab token", "sonarqube token",
		"harness_own successor", "gitlab successor", "sonarqube successor",
		"bitbucket issued code", "bitbucket issued access", "bitbucket issued refresh", "bitbucket code_verifier",
		"entra issued code", "entra issued access", "entra issued refresh", "entra code_verifier",
		"state", "code sent to reauth/", "state sent to reauth/", "client_secret sent to integrations/", "api_key sent to reauth/", "access_token sent to reauth/", "pat sent to reauth/",
		"pat sent to reauth/ in a list", "api_key sent to validate/", "api_key sent to integrations/", "unknown field sent to reauth/",
		"api_key sent to reauth/ in an object in an object", "api_key sent to integrations/" + evidence.NumberKind,
	} {
		assert.Contains(t, kinds, kind)
	}
	assert.NotEmpty(t, challenges)
}

func enteredIn(w *catalogtest.World) []entered {
	return []entered{
		{
			name: "jira", field: "api_key", beside: map[string]any{"email": "ada@example.com"},
			settings: map[string]any{"provider": "jira", "auth_type": "api_key", "url": catalogtest.JiraCloudURL},
			add:      func(token string) { w.Jira.AddAPIToken("ada@example.com", token) },
		},
		{
			name: "jira-dc", field: "pat", settings: map[string]any{"provider": "jira", "auth_type": "pat", "url": catalogtest.JiraDataCenterURL},
			add: func(token string) { w.JiraDataCenter.AddPAT("ada", token) },
		},
		{
			name: "github", field: "pat", settings: map[string]any{"provider": "github"},
			add: func(token string) { w.GitHub.AddClassic("ada", token, "repo", "read:org") },
		},
		{
			name: "github-actions", field: "pat", settings: map[string]any{"provider": "github_actions"},
			add: func(token string) { w.GitHub.AddClassic("ada", token, "repo", "read:org") },
		},
		{
			name: "bitbucket", field: "api_key", beside: map[string]any{"email": "ada@example.com"},
			settings: map[string]any{"provider": "bitbucket", "auth_type": "api_key"},
			add: func(token string) {
				w.Bitbucket.AddAPIToken("ada@example.com", token, "read:user:bitbucket", "read:workspace:bitbucket", "read:repository:bitbucket")
			},
		},
		{
			name: "jira-bot", field: "api_key", beside: map[string]any{"email": "bot@serviceaccount.atlassian.com"},
			settings: map[string]any{"provider": "jira", "auth_type": "service_account", "url": catalogtest.JiraCloudURL, "cloud_id": w.Jira.CloudID()},
			add: func(token string) {
				w.Jira.AddScopedToken("bot@serviceaccount.atlassian.com", token, "read:jira-user", "read:jira-work")
			},
		},
		{
			name: "bitbucket-at", field: "access_token", settings: map[string]any{"provider": "bitbucket", "auth_type": "access_token", "workspace": "acme", "repository": "app"},
			add: func(token string) {
				w.Bitbucket.AddWorkspace(bitbuckettest.BitbucketWorkspace{Slug: "acme", Repositories: []string{"WEB/app"}})
				w.Bitbucket.AddAccessToken(bitbuckettest.RepositoryToken, "acme/app", token, "repository")
			},
		},
		{
			name: "bitbucket-dc", field: "pat", settings: map[string]any{"provider": "bitbucket", "auth_type": "pat", "url": catalogtest.BitbucketServerURL},
			add: func(token string) {
				w.BitbucketServer.Add(bitbuckettest.ServerToken{Token: token, Name: "ada", Email: "ada@example.com"})
			},
		},
		{
			name: "azure", field: "pat", beside: map[string]any{"email": "ada@example.com"},
			settings: map[string]any{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": "boards"},
			add: func(token string) {
				w.AzureDevOps.AddOrganization(azuredevopstest.AzureOrganization{Name: "acme", Projects: []azuredevopstest.AzureProject{{Name: "web"}}})
				w.AzureDevOps.AddPAT("acme", "ada@example.com", token, "vso.project", "vso.work", "vso.code")
			},
		},
		{
			name: "harness", field: "api_key", beside: map[string]any{"email": "ada@example.com"}, rotates: true,
			settings: map[string]any{"provider": "harness", "url": catalogtest.HarnessOwnURL, "account_id": "acme"},
			add: func(token string) {
				w.HarnessOwn.Add(harnesstest.HarnessToken{Token: "pat.acme." + token, Account: "acme", Email: "ada@example.com"})
			},
		},
		{
			name: "gitlab", field: "pat", settings: map[string]any{"provider": "gitlab"}, rotates: true,
			add: func(token string) {
				w.GitLab.Add(gitlabtest.GitLabToken{Token: token, Username: "ada", Scopes: []string{"api"}, Expires: time.Now().AddDate(0, 0, 60).Format(time.DateOnly)})
			},
		},
		{
			name: "sonarqube", field: "api_key", beside: map[string]any{"username": "ada"}, rotates: true,
			settings: map[string]any{"provider": "sonarqube", "url": catalogtest.SonarQubeURL},
			add:      func(token string) { w.SonarQube.AddToken("ada", token) },
		},
	}
}

func (e entered) token(name string) string {
	token := canaryNamed(e.name + "-" + name)
	if e.name == "harness" {
		token = "pat.acme." + token
	}
	return token
}

func (e entered) body(token any) map[string]any {
	body := map[string]any{e.field: token}
	for name, value := range e.beside {
		body[name] = value
	}
	return body
}

func (e entered) use(t *testing.T, client *api.Logical, w *catalogtest.World) {
	t.Helper()
	e.settings["proxy_url"], e.settings["ca_cert"] = w.ProxyURL(), w.CAPEM()
	harness.Write(t, client, "sei/integrations/"+e.name, e.settings)
	for _, name := range []string{"first", "second"} {
		e.add(strings.TrimPrefix(e.token(name), "pat.acme."))
		harness.Write(t, client, "sei/validate/"+e.name, e.body(e.token(name)))
		harness.Write(t, client, "sei/reauth/"+e.name, e.body(e.token(name)))
	}
	if strings.HasPrefix(e.name, "github") {
		e.add(e.token("third"))
		harness.Write(t, client, "sei/reauth/"+e.name, e.body([]string{e.token("second"), e.token("third")}))
	}
	for _, path := range []string{"sei/reauth/", "sei/validate/"} {
		assertRefused(t, client, path+e.name, e.body(e.token("refused")))
		assertRefused(t, client, path+e.name, map[string]any{e.field: canaryNamed("incomplete-" + e.name), "email": 1})
	}
	harness.Write(t, client, "sei/rollback/"+e.name, nil)
	if e.rotates {
		harness.Write(t, client, "sei/rotate/"+e.name, nil)
	}
	harness.Write(t, client, "sei/health/"+e.name, nil)
	for _, path := range []string{"integrations/", "history/", "health/", "reauth/", "creds/"} {
		secret, err := client.ReadWithContext(t.Context(), "sei/"+path+e.name)
		require.NoError(t, err)
		require.NotNil(t, secret)
	}
}

func assertRefused(t *testing.T, client *api.Logical, path string, body map[string]any) {
	t.Helper()
	_, err := client.WriteWithContext(t.Context(), path, body)
	var refusal *api.ResponseError
	require.ErrorAs(t, err, &refusal, path)
	assert.Equal(t, http.StatusBadRequest, refusal.StatusCode, "%s", path)
}

// misplace sends secrets where they do not belong and in types that they are not of.
func misplace(t *testing.T, client *api.Logical) {
	t.Helper()
	for _, path := range []string{"sei/integrations/jira", "sei/reauth/jira", "sei/validate/jira", "sei/config"} {
		name := strings.ReplaceAll(path, "/", "-")
		cases := map[string]map[string]any{
			"unknown field":     {"apikey": canaryNamed(name + "-unknown")},
			"list":              {"api_key": []any{canaryNamed(name + "-list")}},
			"object":            {"api_key": map[string]any{"value": map[string]any{"deep": canaryNamed(name + "-object")}}},
			"number":            {"api_key": 481516234248151623},
			"control character": {"api_key": canaryNamed(name+"-control") + "\nX-Header: 1"},
			"client secret":     {"client_secret": canaryNamed(name + "-client-secret")},
			"own JSON":          {"api_key": `{"api_key":"` + canaryNamed(name+"-json") + `"}`, "url": 1},
			"a URL":             {"url": "https://" + canaryNamed(name+"-url") + "@example.com", "labels": canaryNamed(name + "-labels")},
			"an e-mail address": {"email": canaryNamed(name + "-email"), "expires_at": canaryNamed(name + "-expiry")},
		}
		for what, body := range cases {
			assertRefused(t, client, path, body)
			for _, value := range body { // also what nobody would take for a secret
				if text, ok := value.(string); ok {
					evidence.Of(t).Canary(what+" sent to "+path, text)
				}
			}
		}
	}
}

// authorize goes through OAuth of both authorization servers: with the browser's return,
// and with what a person copies from it; a refresh, a code that is refused, and a client
// secret that is wrong.
func authorize(t *testing.T, server *harness.Server, w *catalogtest.World) {
	t.Helper()
	callback := server.Addr + "/v1/sei/oauth/callback"
	client := server.Client(t).Logical()
	secret := canaryNamed("client-secret")
	w.Bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: secret, RedirectURI: callback, Scopes: []string{"account"}})
	w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	w.Entra.AddClient(authserver.OAuthClient{ID: "engine", Secret: secret, RedirectURI: callback, Tenant: "contoso.onmicrosoft.com"})
	w.Entra.SignIn(azuredevopstest.AzureToken{Account: "ada@example.com", Organization: "acme"})
	for name, settings := range map[string]map[string]any{
		"bb":  {"provider": "bitbucket"},
		"ado": {"provider": "azure_devops", "organization": "acme", "service": "repos", "tenant_id": "contoso.onmicrosoft.com"},
	} {
		for key, value := range map[string]any{
			"auth_type": "oauth", "client_id": "engine", "client_secret": secret, "redirect_uri": callback, "proxy_url": w.ProxyURL(), "ca_cert": w.CAPEM(),
		} {
			settings[key] = value
		}
		harness.Write(t, client, "sei/integrations/"+name, settings)
		w.Bitbucket.SetLife(time.Second)
		w.Entra.SetLife(time.Second)
		harness.Begin(t, server, w, name, "").Finish(http.StatusOK)
		w.Bitbucket.SetLife(time.Hour)
		w.Entra.SetLife(time.Hour)
		time.Sleep(time.Second)
		_, err := client.ReadWithContext(t.Context(), "sei/creds/"+name) // refreshes
		require.NoError(t, err)
		back := harness.Begin(t, server, w, name, "")
		harness.Write(t, client, "sei/reauth/"+name, map[string]any{"code": back.URL.Query().Get("code"), "state": back.URL.Query().Get("state")})
		back.Finish(http.StatusBadRequest)
		harness.Begin(t, server, w, name, canaryNamed("code-that-is-refused")).Finish(http.StatusBadRequest)
		assertRefused(t, client, "sei/reauth/"+name, map[string]any{"code": canaryNamed("code"), "state": canaryNamed("state")})
		harness.Write(t, client, "sei/integrations/"+name, map[string]any{"client_secret": canaryNamed("client-secret-that-is-wrong")})
		harness.Begin(t, server, w, name, "").Finish(http.StatusBadRequest)
		harness.Begin(t, server, w, name, "") // and nobody comes back
	}
	assert.Positive(t, w.Bitbucket.Refreshes())
}

// quitInFlight has the plugin end with a dump of all its goroutines while secrets are
// on their way. Vault's log takes the dump.
func quitInFlight(t *testing.T, server *harness.Server, w *catalogtest.World) {
	t.Helper()
	w.Jira.Forget()
	fault, _ := providertest.NamedFault("late", "")
	w.Jira.Behave(fault)
	done, client := make(chan struct{}), server.Client(t).Logical()
	go func() {
		defer close(done)
		_, _ = client.WriteWithContext(t.Context(), "sei/reauth/jira",
			map[string]any{"email": "ada@example.com", "api_key": canaryNamed("in-flight")})
	}()
	require.Eventually(t, func() bool { return len(w.Jira.Requests()) > 0 }, harness.StartLimit, 10*time.Millisecond)
	require.Equal(t, 1, server.SignalPlugin(t, syscall.SIGQUIT))
	w.Jira.Behave(providertest.Fault{})
	<-done
	require.Eventually(t, func() bool {
		log, err := os.ReadFile(server.LogPath())
		return err == nil && strings.Contains(string(log), "SIGQUIT: quit") && slices.Contains(strings.Fields(string(log)), "goroutine")
	}, harness.StartLimit, 50*time.Millisecond)
}
