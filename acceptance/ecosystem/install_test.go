package ecosystem_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	installPage    = "docs/install.md"
	installVersion = "v0.1.0" // of the page
)

// releaseName is the file of a release for this machine.
func releaseName(version string) string {
	return strings.Join([]string{harness.PluginName, version, runtime.GOOS, runtime.GOARCH}, "_")
}

// A newcomer who follows docs/install.md on an empty server gets an integration that
// somebody re-authenticates who can do nothing else, and leaves nothing behind.
func TestInstall(t *testing.T) {
	layer.Check(t, "the installation, step by step")
	server, exports := newcomer(t)
	runSession(t, harness.PageText(t, installPage), exports)

	mounts, err := server.Client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, mounts, "sei/")
	left, err := os.ReadDir(server.Plugins)
	require.NoError(t, err)
	assert.Empty(t, left)
	assert.Regexp(t, `"path":"sei/reauth/jira-prod".*"version":1`, server.Audit(t), "the audit log has the swap readably")
}

// The same newcomer with Terraform: what examples/terraform would write at the engine, with
// the program of a release, and a person who may do what the example's policy says.
// TestTerraform has the example itself.
func TestInstallWithTerraform(t *testing.T) {
	layer.Check(t, "the installation, step by step")
	server, exports := newcomer(t)
	fakes := harness.StartFakes(t)
	registered := strings.Split(harness.PageText(t, installPage), "By default the engine calls")[0]
	runSession(t, registered, exports)
	assert.Equal(t, installVersion, server.RunningVersion(t))

	resources := endpoints(example(t, fakes), "sei")
	for _, e := range resources {
		e.apply(t, server)
	}
	fakes.World.JiraDataCenter.AddPAT("ada", "install-pat")
	policy, err := os.ReadFile(filepath.Join(policiesDir, "reauthenticate.hcl"))
	require.NoError(t, err)
	person := server.Client(t)
	person.SetToken(tokenWith(t, server, "person", strings.ReplaceAll(string(policy), "jira-prod", "jira-data-center")))
	harness.Write(t, person.Logical(), "sei/reauth/jira-data-center", map[string]any{"pat": "install-pat"})
	for _, path := range []string{"sei/creds/jira-data-center", "sei/integrations/jira-data-center", "sei/reauth/github", "sei/config"} {
		_, err := person.Logical().ReadWithContext(t.Context(), path)
		assert.ErrorContains(t, err, "permission denied", path)
	}
	for _, e := range resources {
		assert.Empty(t, e.drift(t, server), "%s after a re-authentication", e.path)
	}
}

// newcomer is an empty server, and the environments of who follows the page on it.
func newcomer(t *testing.T) (*harness.Server, map[string]string) {
	t.Helper()
	plugins, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	server, fakes := harness.StartEmptyRaft(t, plugins), harness.StartFakes(t)
	fakes.World.Jira.AddAPIToken("ada@example.com", "ATATT-install")
	both := fmt.Sprintf("export VAULT_ADDR=%q PATH=%q PLUGIN_DIR=%q RELEASE=%q JIRA_URL=%q\n",
		server.Addr, harness.VaultOnPath(t), plugins, releaseName(installVersion), fakes.URLs["JIRA"])
	return server, map[string]string{
		"session": both + fmt.Sprintf("export VAULT_TOKEN=%q\n", server.Token),
		"person":  both + fmt.Sprintf("unset VAULT_TOKEN; export HOME=%q\n", t.TempDir()),
	}
}

// Each row of the page's table of errors is what the server says.
func TestInstallationErrors(t *testing.T) {
	layer.Check(t, "the installation, step by step")
	t.Parallel()
	binary, err := os.ReadFile(filepath.Join(harness.Plugins(), harness.PluginName))
	require.NoError(t, err)
	plugins, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	program := filepath.Join(plugins, harness.PluginName)
	require.NoError(t, os.WriteFile(program, binary, 0o700))
	require.NoError(t, os.WriteFile(program+"-data", binary, 0o600))
	require.NoError(t, os.Symlink("/bin/true", program+"-link"))
	server := harness.StartEmptyRaft(t, plugins)
	exports := fmt.Sprintf("export VAULT_ADDR=%q VAULT_TOKEN=%q PATH=%q\n", server.Addr, server.Token, harness.VaultOnPath(t)) +
		fmt.Sprintf("register() { vault plugin register -sha256=\"${sum:-$(sha256sum %q | cut -d ' ' -f 1)}\" -command=%s \"$@\" secret %s; }\n", program, harness.PluginName, harness.CatalogName) +
		"mount() { vault secrets enable -path=any " + harness.CatalogName + "; }\n"
	provoked := map[string]string{
		"checksums did not match":   "sum=$(echo | sha256sum | cut -d ' ' -f 1) register -version=" + harness.PluginVersion + " && mount",
		"no such file or directory": "register -version=" + harness.PluginVersion + " -command=missing",
		"permission denied":         "register -version=" + harness.PluginVersion + " -command=" + harness.PluginName + "-data && mount",
		"cannot execute files outside of configured plugin directory": "register -version=" + harness.PluginVersion + " -command=" + harness.PluginName + "-link",
		"did not match requested version":                             "register -version=v9.9.9",
		"is not a valid semantic version":                             "register -version=one",
		"Could not decode SHA256 value":                               "sum='ab file' register -version=" + harness.PluginVersion,
		"plugin not found in the catalog":                             "vault secrets enable other",
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(strings.Split(harness.PageText(t, installPage), "## What goes wrong")[1], -1)
	require.Len(t, rows, len(provoked))
	for _, row := range rows {
		require.Contains(t, provoked, row[1])
		out, err := bash(t, os.Environ(), exports+provoked[row[1]])
		assert.Error(t, err, row[1])
		assert.Contains(t, out, harness.Running(t).Says(row[1]))
	}
}
