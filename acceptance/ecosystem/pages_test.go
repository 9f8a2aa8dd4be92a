package ecosystem_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

const (
	apiPage        = "docs/api.md"
	oauthPage      = "docs/oauth.md"
	operationsPage = "docs/operations.md"
	uiPage         = "docs/ui.md"
	pageVersion    = "v1.1.0" // that docs/operations.md upgrades to
)

// sessionOf is what somebody types first who may do everything at a server.
func sessionOf(t *testing.T, s *harness.Server, more ...string) map[string]string {
	t.Helper()
	exports := fmt.Sprintf("export VAULT_ADDR=%q VAULT_TOKEN=%q PATH=%q PLUGIN_DIR=%q\n", s.Addr, s.Token, harness.VaultOnPath(t), s.Plugins)
	for _, export := range more {
		exports += "export " + export + "\n"
	}
	return map[string]string{"session": exports + fmt.Sprintf("cd %q\n", t.TempDir())}
}

// The commands of docs/oauth.md are taken as they stand. Nobody is asked: that only
// begins where its address is opened.
func TestOAuthPage(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	runSession(t, harness.PageText(t, oauthPage), sessionOf(t, server,
		"BITBUCKET_KEY=engine BITBUCKET_SECRET=of-the-page NEW_SECRET=of-the-page-2",
		"TENANT_ID=contoso.onmicrosoft.com CLIENT_ID=4d4e5f60-1111-2222-3333-444455556666 ENTRA_SECRET=of-the-page-3",
	))
}

// So are those of docs/api.md.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	server := harness.StartDev(t)
	server.Mount(t, "sei")
	runSession(t, harness.PageText(t, apiPage), sessionOf(t, server))
}

// So are those of docs/ui.md.
func TestUIPage(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	threeIntegrations(t, server, fakes)
	runSession(t, harness.PageText(t, uiPage), sessionOf(t, server))
}

// So are those of docs/operations.md, with what each part is about set up before it.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	needs(t, "jq", operationsPage)
	server, fakes := harness.StartDevWith(t, harness.OwnPlugins(t)), harness.StartFakes(t)
	server.Mount(t, "sei")
	looking, rest, found := strings.Cut(harness.PageText(t, operationsPage), "\n### Which token to replace\n")
	require.True(t, found)
	replacing, upgrading, found := strings.Cut(rest, "\n## Upgrade and roll back the plugin\n")
	require.True(t, found)

	threeIntegrations(t, server, fakes)
	channel := harness.StartReceiver(t)
	runSession(t, looking, sessionOf(t, server, fmt.Sprintf("WEBHOOK_URL=%q", channel.Hook("of-the-page"))))
	require.Contains(t, channel.Got(), "a test of notifications from sei/")

	wornPool(t, server, fakes)
	session := sessionOf(t, server)
	session["session"] += "printf %s ghp_page_two,ghp_page_three >pool.txt\n"
	runSession(t, replacing, session)

	next, err := harness.BuildPlugin(t.Context(), pageVersion)
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(next) })
	program := filepath.Join(server.Plugins, harness.PluginName+"-"+pageVersion)
	require.NoError(t, os.Rename(filepath.Join(next, harness.PluginName), program))
	session = sessionOf(t, server)
	session["session"] += fmt.Sprintf("mkdir -p build/release; echo \"$(sha256sum %q | cut -d ' ' -f 1)  %s_%s_linux_amd64\" >build/release/SHA256SUMS\n", program, harness.PluginName, pageVersion)
	runSession(t, upgrading, session)
	require.Equal(t, pageVersion, server.RunningVersion(t))
}

// threeIntegrations are one that ends in a few days, one that works, and one without a
// credential.
func threeIntegrations(t *testing.T, server *harness.Server, fakes *harness.Fakes) {
	t.Helper()
	client := server.Client(t).Logical()
	fakes.World.Jira.AddAPIToken("ada@example.com", "ATATT-page")
	fakes.World.GitHubEnterprise.AddClassic("octocat", "ghp_page_one", "repo", "read:org")
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/jira-prod", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	harness.Write(t, client, "sei/reauth/jira-prod", map[string]any{
		"email": "ada@example.com", "api_key": "ATATT-page", "expires_at": time.Now().UTC().AddDate(0, 0, 6).Format(time.DateOnly),
	})
	harness.Write(t, client, "sei/integrations/github-prod", map[string]any{"provider": "github", "url": fakes.URLs["GITHUB"]})
	harness.Write(t, client, "sei/reauth/github-prod", map[string]any{"pat": "ghp_page_one"})
	harness.Write(t, client, "sei/integrations/gitlab-prod", map[string]any{"provider": "gitlab"})
}

// wornPool makes github-prod a pool whose first token is dead, and of whose second a
// worker has reported.
func wornPool(t *testing.T, server *harness.Server, fakes *harness.Fakes) {
	t.Helper()
	client, github := server.Client(t).Logical(), fakes.World.GitHubEnterprise
	github.AddClassic("hubot", "ghp_page_two", "repo", "read:org")
	github.AddClassic("monalisa", "ghp_page_three", "repo", "read:org")
	harness.Write(t, client, "sei/reauth/github-prod", map[string]any{"pat": []string{"ghp_page_one", "ghp_page_two"}})
	github.Revoke("ghp_page_one")
	health, err := client.WriteWithContext(t.Context(), "sei/health/github-prod", nil)
	require.NoError(t, err)
	members, _ := health.Data["members"].([]any)
	require.Len(t, members, 2)
	second, _ := members[1].(map[string]any)
	harness.Write(t, client, "sei/creds/github-prod/report", map[string]any{
		"fingerprint": second["fingerprint"], "status_code": http.StatusOK, "remaining": 4312, "reset_at": time.Now().Add(time.Hour).Unix(),
	})
}
