package ecosystem_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

const agentDir = "../../examples/agent"

// agentTTL is creds_ttl in seconds; agentLimit leaves a busy machine time beside it.
const (
	agentTTL   = 5
	agentLimit = agentTTL*time.Second + 20*time.Second
)

// A real Vault Agent with the example's files, which may do no more than a worker,
// renders a credential of each form, and renders it anew after it was replaced.
func TestVaultAgent(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	client := server.Client(t)
	require.NoError(t, client.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	cases := map[string]func(*testing.T, *agent){
		"a plain credential":          testAgentPlain,
		"a pool":                      testAgentPool,
		"an access token of OAuth":    testAgentOAuth,
		"a read through the listener": testAgentListener,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newAgent(t, server, "sei-agent-"+strings.Fields(name)[1]))
		})
	}
}

// testAgentPlain begins without a credential, which the agent survives, and forgets it
// at the end, after which the file stays.
func testAgentPlain(t *testing.T, a *agent) {
	t.Helper()
	jira := a.fakes.World.JiraDataCenter
	jira.AddPAT("ada", "token-of-plain-first")
	jira.AddPAT("ada", "token-of-plain-second")
	harness.Write(t, a.client, a.mount+"/integrations/github-prod", map[string]any{"provider": "jira", "auth_type": "pat", "url": a.fakes.URLs["JIRA_DC"]})
	a.start(t)
	a.server.Wait(t, "let the agent see that there is no credential", func(context.Context) bool {
		return strings.Contains(a.log.text(t), "no secret exists at "+a.mount+"/creds/github-prod")
	})
	harness.Write(t, a.client, a.mount+"/reauth/github-prod", map[string]any{"pat": "token-of-plain-first"})
	a.assertRenders(t, "token-of-plain-first")
	harness.Write(t, a.client, a.mount+"/reauth/github-prod", map[string]any{"pat": "token-of-plain-second"})
	a.assertRenders(t, "token-of-plain-second")
	_, err := a.client.DeleteWithContext(t.Context(), a.mount+"/creds/github-prod")
	require.NoError(t, err)
	seen := strings.Count(a.log.text(t), "no secret exists")
	a.server.Wait(t, "let the agent see that the credential is gone", func(context.Context) bool {
		return strings.Count(a.log.text(t), "no secret exists") > seen
	})
	a.assertRenders(t, "token-of-plain-second")
	assert.False(t, a.log.process.Ended())
	assert.Len(t, a.changes(t), 2, "the command runs once for each change")
}

// testAgentPool revokes a token of a pool, and a worker reports it: the agent renders the
// other.
func testAgentPool(t *testing.T, a *agent) {
	t.Helper()
	for account, token := range map[string]string{"one": "token-of-pool-first", "two": "token-of-pool-second"} {
		a.fakes.World.GitHubEnterprise.AddClassic(account, token, "repo", "read:org")
	}
	harness.Write(t, a.client, a.mount+"/integrations/github-prod", map[string]any{"provider": "github", "url": a.fakes.URLs["GITHUB"]})
	harness.Write(t, a.client, a.mount+"/reauth/github-prod", map[string]any{"pat": []string{"token-of-pool-first", "token-of-pool-second"}})
	a.start(t)
	a.assertRenders(t, "token-of-pool-first")
	secret, err := a.client.ReadWithContext(t.Context(), a.mount+"/creds/github-prod")
	require.NoError(t, err)
	a.fakes.World.GitHubEnterprise.Revoke("token-of-pool-first")
	harness.Write(t, a.client, a.mount+"/creds/github-prod/report", map[string]any{"fingerprint": secret.Data["fingerprint"], "status_code": 401})
	a.assertRenders(t, "token-of-pool-second")
}

// testAgentOAuth waits for a renewal, which no person does.
func testAgentOAuth(t *testing.T, a *agent) {
	t.Helper()
	bitbucket := a.fakes.World.Bitbucket
	callback := a.server.Addr + "/v1/" + a.mount + "/oauth/callback"
	bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: "agent-client-secret", RedirectURI: callback, Scopes: []string{"account"}})
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	bitbucket.SetLife(15 * time.Second)
	harness.Write(t, a.client, a.mount+"/config", map[string]any{"allowed_hosts": "http://127.0.0.1,https://bitbucket.org,https://api.bitbucket.org"})
	harness.Write(t, a.client, a.mount+"/integrations/github-prod", map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": "agent-client-secret", "redirect_uri": callback,
		"proxy_url": a.fakes.World.ProxyURL(), "ca_cert": a.fakes.World.CAPEM(),
	})
	harness.BeginAt(t, a.server, a.fakes.World, a.mount+"/oauth/authorize/github-prod", "").Finish(http.StatusOK)
	a.start(t)
	a.assertRenders(t, "bb-access-")
	first := a.rendered(t)
	assert.Eventually(t, func() bool { return a.rendered(t) != first }, 2*agentLimit, 50*time.Millisecond, "the renewed token shows")
	assert.GreaterOrEqual(t, bitbucket.Refreshes(), 1)
	a.assertRenders(t, "bb-access-")
}

// testAgentListener reads through the agent, without a token: what it answers is never
// older than the last re-authentication.
func testAgentListener(t *testing.T, a *agent) {
	t.Helper()
	jira := a.fakes.World.JiraDataCenter
	harness.Write(t, a.client, a.mount+"/integrations/github-prod", map[string]any{"provider": "jira", "auth_type": "pat", "url": a.fakes.URLs["JIRA_DC"]})
	a.start(t)
	config := api.DefaultConfig()
	require.NoError(t, config.Error)
	config.Address = "unix://" + filepath.Join(a.dir, "agent.sock")
	through, err := api.NewClient(config)
	require.NoError(t, err)
	through.ClearToken()
	for _, token := range []string{"token-of-listener-1", "token-of-listener-2", "token-of-listener-3"} {
		jira.AddPAT("ada", token)
		harness.Write(t, a.client, a.mount+"/reauth/github-prod", map[string]any{"pat": token})
		for range 2 { // the second could come from a cache
			secret, err := through.Logical().ReadWithContext(t.Context(), a.mount+"/creds/github-prod")
			require.NoError(t, err)
			require.NotNil(t, secret)
			assert.Equal(t, token, secret.Data["pat"], "the agent answers with an old credential")
		}
	}
	_, err = through.Logical().ReadWithContext(t.Context(), a.mount+"/integrations/github-prod")
	assert.Error(t, err, "the agent may do no more than the worker")
}

// agent is a copy of the example for a mount of its own.
type agent struct {
	server *harness.Server
	client *api.Logical
	fakes  *harness.Fakes
	mount  string
	dir    string
	log    *scriptLog
}

func newAgent(t *testing.T, server *harness.Server, mount string) *agent {
	t.Helper()
	a := &agent{server: server, client: server.Client(t).Logical(), fakes: harness.StartFakes(t), mount: mount, dir: shortTempDir(t)}
	server.Mount(t, mount)
	harness.Write(t, a.client, mount+"/config", map[string]any{"allowed_hosts": "http://127.0.0.1", "creds_ttl": agentTTL})
	require.NoError(t, os.CopyFS(a.dir, os.DirFS(agentDir)))
	a.replace(t, filepath.Join(a.dir, "credential.ctmpl"))
	policy, err := os.ReadFile(filepath.Join(policiesDir, "worker.hcl"))
	require.NoError(t, err)
	require.NoError(t, server.Client(t).Sys().PutPolicyWithContext(t.Context(), mount, strings.ReplaceAll(string(policy), `"sei/`, `"`+mount+`/`)))
	role := "auth/approle/role/" + mount
	harness.Write(t, a.client, role, map[string]any{"token_policies": mount})
	id, err := a.client.ReadWithContext(t.Context(), role+"/role-id")
	require.NoError(t, err)
	secret, err := a.client.WriteWithContext(t.Context(), role+"/secret-id", nil)
	require.NoError(t, err)
	a.put(t, "role-id", id.Data["role_id"])
	a.put(t, "secret-id", secret.Data["secret_id"])
	return a
}

// replace sets the agent's mount into a file.
func (a *agent) replace(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"sei/`)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), `"sei/`, `"`+a.mount+`/`)), 0o600))
}

func (a *agent) put(t *testing.T, name string, value any) {
	t.Helper()
	text, ok := value.(string)
	require.True(t, ok)
	require.NoError(t, os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600))
}

// start runs the agent in its folder, with no other right than that of its AppRole.
func (a *agent) start(t *testing.T) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "agent.log"))
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	environ := append(a.server.Environ(), "VAULT_TOKEN=")
	p, err := harness.StartProcess(log, environ, "env", "-C", a.dir, harness.Vault(), "agent", "-config=agent.hcl", "-log-level=trace")
	require.NoError(t, err)
	a.log = &scriptLog{process: p, path: log.Name(), started: time.Now()}
	t.Cleanup(func() {
		p.Stop(5 * time.Second)
		assert.NotRegexp(t, `token-of-|bb-access-`, a.log.text(t), "the agent's log")
	})
	a.server.Wait(t, "let the agent log in", func(context.Context) bool {
		require.False(t, p.Ended(), "%s", a.log.text(t))
		_, err := os.Stat(filepath.Join(a.dir, "agent.sock"))
		return err == nil && strings.Contains(a.log.text(t), "authentication successful")
	})
}

// rendered is the file as curl reads it; "" while there is none.
func (a *agent) rendered(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "credential.curl"))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return string(text)
}

func (a *agent) assertRenders(t *testing.T, token string) {
	t.Helper()
	begun := time.Now()
	for !strings.Contains(a.rendered(t), token) {
		require.Less(t, time.Since(begun), agentLimit, "%s\n%s", strings.ReplaceAll(a.rendered(t), token, "..."), harness.Tail(a.log.text(t), 2000))
		time.Sleep(20 * time.Millisecond)
	}
	assert.Contains(t, a.rendered(t), `header = "Authorization: Bearer `+token)
	t.Logf("rendered after %s", time.Since(begun).Round(10*time.Millisecond))
	info, err := os.Stat(filepath.Join(a.dir, "credential.curl"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// changes is what the command of the example noted.
func (a *agent) changes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "changes.log"))
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
