package ecosystem_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	workersPage    = "docs/workers.md"
	consulTemplate = "github.com/hashicorp/consul-template@v0.41.1"
	// envVaultAction has the folder of a checkout of vault-action, which no registry has.
	envVaultAction = "VAULT_ACTION"
)

// The clients of other people read a credential as docs/workers.md has it, with the rights of
// a worker, and a token of the pool that has quota left for what they ask for.
func TestClients(t *testing.T) {
	layer.Check(t, "the clients of docs/workers.md")
	t.Parallel()
	c := newClients(t)
	t.Run("hvac", func(t *testing.T) {
		python := pythonWith(t, "hvac")
		blocks := c.blocks(t, "python", 2)
		out := c.run(t, "", python, "-c", blocks[0]+"import json\nprint(json.dumps(headers))")
		assert.Equal(t, c.headers(), decoded(t, out))
		out = c.run(t, "", python, "-c", "import hvac\n"+blocks[1]+"print(answer['data']['fingerprint'])")
		assert.Equal(t, c.graphql, strings.TrimSpace(out))
		out = c.run(t, "", python, "-c", strings.ReplaceAll(blocks[0], "github-prod", "none")+"print(headers)")
		assert.Equal(t, "None\n", out)
	})
	t.Run("node-vault", func(t *testing.T) {
		blocks := c.blocks(t, "js", 2)
		script := "(async () => {\n" + blocks[0] + blocks[1] + "console.log(JSON.stringify({headers, graphql: graphql.fingerprint}));\n" +
			"await vault.read('sei/creds/none').catch((e) => { if (e.response.statusCode !== 404) throw e; });\n})()"
		out := c.run(t, filepath.Join(nodeVault(t), "node_modules"), "node", "-e", script)
		var got struct {
			Headers map[string]string
			GraphQL string
		}
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		assert.Equal(t, c.headers(), got.Headers)
		assert.Equal(t, c.graphql, got.GraphQL)
	})
	t.Run("consul-template", func(t *testing.T) { testConsulTemplate(t, c) })
	t.Run("vault-action", func(t *testing.T) { testVaultAction(t, c) })
}

// The tokens of the pool: the first has no quota left for GraphQL.
const (
	clientsFirst  = "ghp_clients_first"
	clientsSecond = "ghp_clients_second"
)

// clients are what the clients of the page read from.
type clients struct {
	server  *harness.Server
	token   string // of a worker
	graphql string // the fingerprint of the token that has quota for GraphQL
}

func newClients(t *testing.T) *clients {
	t.Helper()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	github := fakes.World.GitHubEnterprise
	github.AddClassic("one", clientsFirst, "repo", "read:org")
	github.AddClassic("two", clientsSecond, "repo", "read:org")
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/github-prod", map[string]any{"provider": "github", "url": fakes.URLs["GITHUB"]})
	harness.Write(t, client, "sei/integrations/none", map[string]any{"provider": "github", "url": fakes.URLs["GITHUB"]})
	harness.Write(t, client, "sei/reauth/github-prod", map[string]any{"pat": []string{clientsFirst, clientsSecond}})
	first := server.ReadOf(t, "creds/github-prod")
	require.Equal(t, clientsFirst, first["pat"])
	harness.Write(t, client, "sei/creds/github-prod/report", map[string]any{
		"fingerprint": first["fingerprint"], "status_code": 200, "remaining": 0, "resource": "graphql", "reset_at": "2099-01-01T00:00:00Z",
	})
	policy, err := os.ReadFile(filepath.Join(policiesDir, "worker.hcl"))
	require.NoError(t, err)
	c := &clients{server: server, token: tokenWith(t, server, "clients", string(policy)+`path "sei/creds/none" { capabilities = ["read"] }`)}
	second, err := client.ReadWithDataWithContext(t.Context(), "sei/creds/github-prod", map[string][]string{"resource": {"graphql"}})
	require.NoError(t, err)
	require.NotEqual(t, first["fingerprint"], second.Data["fingerprint"])
	c.graphql, _ = second.Data["fingerprint"].(string)
	return c
}

// headers are what a client has to find of the first token.
func (*clients) headers() map[string]string {
	return map[string]string{"Accept": "application/vnd.github+json", "Authorization": "Bearer " + clientsFirst}
}

// blocks are the page's blocks of a language.
func (c *clients) blocks(t *testing.T, language string, want int) []string {
	t.Helper()
	var all []string
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(harness.PageText(t, workersPage), -1) {
		all = append(all, block[1])
	}
	require.Len(t, all, want, language)
	return all
}

func (c *clients) command(t *testing.T, modules, name string, args ...string) *exec.Cmd {
	t.Helper()
	layer.NeverCached()
	ctx, cancel := context.WithTimeout(t.Context(), harness.StartLimit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(c.server.Environ(), "VAULT_TOKEN="+c.token, "NODE_PATH="+modules)
	return cmd
}

// run runs a client as a worker, and returns what it prints.
func (c *clients) run(t *testing.T, modules, name string, args ...string) string {
	t.Helper()
	cmd := c.command(t, modules, name, args...)
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, "%s", failure.String())
	return string(out)
}

func decoded(t *testing.T, text string) map[string]string {
	t.Helper()
	var object map[string]string
	require.NoError(t, json.Unmarshal([]byte(text), &object))
	return object
}

// pythonWith returns a Python that has a module: the one in PATH, or the system's.
func pythonWith(t *testing.T, module string) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import "+module).Run() == nil {
			return python
		}
	}
	t.Skip("no Python has " + module)
	return ""
}

// nodeVault returns the folder with node-vault and what it needs.
func nodeVault(t *testing.T) string {
	t.Helper()
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), "../../scripts/npm.sh", "node-vault")
	cmd.Stderr = &said
	out, err := cmd.Output()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 1 {
		t.Skip("no node-vault; scripts/npm.sh node-vault says why")
	}
	require.NoError(t, err, said.String())
	return strings.TrimSpace(string(out))
}

// testConsulTemplate renders the page's templates. With an argument after the path it
// writes, and is refused.
func testConsulTemplate(t *testing.T, c *clients) {
	t.Helper()
	program, err := exec.CommandContext(t.Context(), "../../scripts/tool.sh", consulTemplate).Output()
	if err != nil {
		t.Skip("consul-template cannot be built: ", err)
	}
	render := func(template string) (string, error) {
		cmd := c.command(t, "", strings.TrimSpace(string(program)), "-once", "-template", "t.ctmpl:out", "-vault-renew-token=false", "-vault-retry-attempts=1", "-vault-retry-backoff=10ms")
		require.NoError(t, os.WriteFile(filepath.Join(cmd.Dir, "t.ctmpl"), []byte(template), 0o600))
		said, err := cmd.CombinedOutput()
		if err != nil {
			return string(said), err
		}
		rendered, err := os.ReadFile(filepath.Join(cmd.Dir, "out"))
		return string(rendered), err
	}
	blocks := c.blocks(t, "ctmpl", 2)
	out, err := render(blocks[0])
	require.NoError(t, err, out)
	for name, value := range c.headers() {
		assert.Contains(t, out, name+": "+value+"\n")
	}
	out, err = render(blocks[1])
	require.NoError(t, err, out)
	assert.Equal(t, c.graphql, strings.TrimSpace(out))
	out, err = render(`{{ with secret "sei/creds/github-prod" "resource=graphql" }}{{ .Data.fingerprint }}{{ end }}`)
	require.Error(t, err)
	assert.Contains(t, out, "PUT "+c.server.Addr+"/v1/sei/creds/github-prod")
	assert.Contains(t, out, "permission denied")
}

// testVaultAction runs the action of a checkout with the secrets of the page.
func testVaultAction(t *testing.T, c *clients) {
	t.Helper()
	folder := os.Getenv(envVaultAction)
	if folder == "" {
		t.Skip("no registry has vault-action: " + envVaultAction + " is to name a checkout of it")
	}
	var steps []struct{ With map[string]string }
	require.NoError(t, yaml.Unmarshal([]byte(c.blocks(t, "yaml", 1)[0]), &steps))
	outputs := filepath.Join(t.TempDir(), "outputs")
	require.NoError(t, os.WriteFile(outputs, nil, 0o600))
	cmd := c.command(t, "", "node", filepath.Join(folder, "dist", "index.js"))
	cmd.Env = append(cmd.Env, "GITHUB_OUTPUT="+outputs, "INPUT_URL="+c.server.Addr, "INPUT_METHOD=token", "INPUT_TOKEN="+c.token,
		"INPUT_EXPORTENV="+steps[0].With["exportEnv"], "INPUT_SECRETS="+steps[0].With["secrets"]+"; sei/creds/github-prod?resource=graphql fingerprint | GRAPHQL")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	set, err := os.ReadFile(outputs)
	require.NoError(t, err)
	for name, want := range map[string]string{"AUTHORIZATION": "Bearer " + clientsFirst, "URL": "http://127.0.0.1:", "GRAPHQL": c.graphql} {
		assert.Regexp(t, "(?m)^"+name+"<<.*\n"+regexp.QuoteMeta(want), string(set))
	}
}
