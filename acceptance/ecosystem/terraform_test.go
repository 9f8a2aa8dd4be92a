package ecosystem_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// envProvider names a folder that has the official Vault provider for Terraform, built
// as terraform-provider-vault. TestTerraform runs where it is set and terraform is there.
const envProvider = "TERRAFORM_PROVIDER_VAULT"

const terraformDir = "../../examples/terraform"

// example is the variables of examples/terraform, made to work with the fakes.
func example(t *testing.T, f *harness.Fakes) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(terraformDir, "example.tfvars.json"))
	require.NoError(t, err)
	var variables map[string]any
	require.NoError(t, json.Unmarshal(data, &variables))
	integrations, ok := variables["integrations"].(map[string]any)
	require.True(t, ok)
	for _, settings := range integrations {
		settings, ok := settings.(map[string]any)
		require.True(t, ok)
		settings["proxy_url"], settings["ca_cert"] = f.World.ProxyURL(), f.World.CAPEM()
	}
	config, ok := variables["config"].(map[string]any)
	require.True(t, ok)
	hosts, ok := config["allowed_hosts"].([]any)
	require.True(t, ok)
	config["allowed_hosts"] = append(hosts, "http://127.0.0.1")
	return variables
}

// The example itself, with terraform and the official provider, from nothing to nothing.
func TestTerraform(t *testing.T) {
	layer.Check(t, "the example with Terraform itself")
	t.Parallel()
	folder := os.Getenv(envProvider)
	terraform, err := exec.LookPath("terraform")
	if folder == "" || err != nil {
		t.Skipf("needs terraform, and the official provider in $%s", envProvider)
	}
	server, fakes := harness.StartEmptyRaft(t, harness.Plugins()), harness.StartFakes(t)
	tf := newTerraform(t, terraform, folder, server, example(t, fakes))

	assert.Equal(t, changes, tf.plan(), "there is all to do")
	tf.run("apply", "-auto-approve")
	assert.Equal(t, noChanges, tf.plan(), "a second plan shows no change")
	client := server.Client(t).Logical()
	oauth, err := client.ReadWithContext(t.Context(), "sei/integrations/bitbucket-oauth")
	require.NoError(t, err)
	assert.Equal(t, true, oauth.Data["client_secret_set"])
	tf.assertNoSecret(t)

	fakes.World.JiraDataCenter.AddPAT("ada", "terraform-pat")
	person := tokenFor(t, server, "sei-reauthenticate-jira-data-center")
	_, err = person.WriteWithContext(t.Context(), "sei/reauth/jira-data-center", map[string]any{"pat": "terraform-pat"})
	require.NoError(t, err)
	_, err = person.ReadWithContext(t.Context(), "sei/creds/jira-data-center")
	require.ErrorContains(t, err, "permission denied", "who renews it cannot read it")
	worker, err := tokenFor(t, server, "sei-worker-jira-data-center").ReadWithContext(t.Context(), "sei/creds/jira-data-center")
	require.NoError(t, err)
	assert.Equal(t, "terraform-pat", worker.Data["pat"])
	assert.Equal(t, noChanges, tf.plan(), "a re-authentication out of band is no change")

	tf.set("integrations", "jira-data-center", "description", "changed in place")
	tf.run("apply", "-auto-approve")
	again, err := client.ReadWithContext(t.Context(), "sei/integrations/jira-data-center")
	require.NoError(t, err)
	assert.Equal(t, "changed in place", again.Data["description"])
	assert.Equal(t, 1, harness.VersionOf(t, again.Data), "the credential stays")

	harness.Write(t, client, "sei/integrations/jira-data-center", map[string]any{"description": ""})
	assert.Equal(t, changes, tf.plan(), "what another hand cleared shows")
	tf.run("apply", "-auto-approve")

	resource := `module.integrations.vault_generic_endpoint.integration["jira-data-center"]`
	tf.run("state", "rm", resource)
	tf.run("import", resource, "sei/integrations/jira-data-center")
	tf.run("apply", "-auto-approve")
	assert.Equal(t, noChanges, tf.plan(), "after an import")

	tf.refuses("apply", "-auto-approve", "-replace="+resource)
	tf.refuses("destroy", "-auto-approve")
	tf.variables["mount"] = "tools"
	tf.save()
	tf.refuses("apply", "-auto-approve")
	require.NoError(t, server.Client(t).Sys().RemountWithContext(t.Context(), "sei", "tools"))
	tf.run("state", "rm", "module.integrations.vault_generic_endpoint.integration", "vault_generic_endpoint.config", "vault_mount.sei")
	tf.run("import", "vault_mount.sei", "tools")
	tf.run("apply", "-auto-approve")
	assert.Equal(t, noChanges, tf.plan(), "after it was moved")
	moved, err := client.ReadWithContext(t.Context(), "tools/creds/jira-data-center")
	require.NoError(t, err)
	require.NotNil(t, moved)
	assert.Equal(t, "terraform-pat", moved.Data["pat"], "the credential came along")

	tf.unprotect()
	tf.run("apply", "-auto-approve", "-replace="+resource)
	assert.Equal(t, noChanges, tf.plan(), "after it was made again")
	tf.assertNoSecret(t)
	tf.run("destroy", "-auto-approve")
	mounts, err := server.Client(t).Sys().ListMountsWithContext(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, mounts, "sei/")
	assert.NotContains(t, mounts, "tools/")
}

// tokenFor is a client with a token that has the policy, which is there, and no other.
func tokenFor(t *testing.T, s *harness.Server, policy string) *api.Logical {
	t.Helper()
	client := s.Client(t)
	secret, err := client.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{policy}})
	require.NoError(t, err)
	client.SetToken(secret.Auth.ClientToken)
	return client.Logical()
}

// What the exit status of terraform plan -detailed-exitcode says.
const (
	noChanges = 0
	changes   = 2
)

// terraformRun is a copy of the example with a state of its own.
type terraformRun struct {
	t         *testing.T
	program   string
	dir       string
	environ   []string
	variables map[string]any
}

const terraformSecret = "client-secret-of-the-terraform-story"

func newTerraform(t *testing.T, program, folder string, s *harness.Server, variables map[string]any) *terraformRun {
	t.Helper()
	binary, err := os.ReadFile(filepath.Join(s.Plugins, harness.PluginName))
	require.NoError(t, err)
	sum := sha256.Sum256(binary)
	variables["plugin_version"], variables["plugin_sha256"] = harness.PluginVersion, hex.EncodeToString(sum[:])
	tf := newTerraformIn(t, os.DirFS(terraformDir), ".", program, folder, s, variables)
	tf.run("get") // the module; the provider is there
	return tf
}

// newTerraformIn makes a folder for terraform with the files under a name in it.
func newTerraformIn(t *testing.T, files fs.FS, name, program, folder string, s *harness.Server, variables map[string]any) *terraformRun {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, name), files))
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides { %q = %q }\n  direct {}\n}\n", "hashicorp/vault", folder)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "terraformrc"), []byte(rc), 0o600))
	tf := &terraformRun{t: t, program: program, dir: dir, variables: variables, environ: append(s.Environ(),
		"TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraformrc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
		`TF_VAR_client_secrets={"bitbucket-oauth":"`+terraformSecret+`","ado-oauth":"`+terraformSecret+`"}`)}
	tf.save()
	return tf
}

// save writes the variables where terraform finds them by itself.
func (tf *terraformRun) save() {
	require.NoError(tf.t, os.WriteFile(filepath.Join(tf.dir, "story.auto.tfvars.json"), []byte(asJSON(tf.t, tf.variables)), 0o600))
}

// set changes a variable that is a map of maps.
func (tf *terraformRun) set(variable, key, field string, value any) {
	all, ok := tf.variables[variable].(map[string]any)
	require.True(tf.t, ok)
	one, ok := all[key].(map[string]any)
	require.True(tf.t, ok)
	one[field] = value
	tf.save()
}

func (tf *terraformRun) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(tf.t.Context(), tf.program, append(args, "-no-color")...)
	if args[0] == "state" {
		cmd = exec.CommandContext(tf.t.Context(), tf.program, args...)
	}
	cmd.Dir, cmd.Env, cmd.WaitDelay = tf.dir, tf.environ, time.Minute
	return cmd
}

func (tf *terraformRun) run(args ...string) {
	tf.t.Helper()
	out, err := tf.command(args...).CombinedOutput()
	require.NoError(tf.t, err, "terraform %s\n%s", strings.Join(args, " "), out)
}

// refuses demands that what is protected ends a command before it changes anything.
func (tf *terraformRun) refuses(args ...string) {
	tf.t.Helper()
	out, err := tf.command(args...).CombinedOutput()
	require.Error(tf.t, err)
	require.Contains(tf.t, string(out), "prevent_destroy", "terraform %s\n%s", strings.Join(args, " "), out)
}

// unprotect takes the protection away, as README.md says for whoever takes all down.
func (tf *terraformRun) unprotect() {
	for _, name := range []string{"engine.tf", "module/integrations.tf"} {
		file := filepath.Join(tf.dir, name)
		text, err := os.ReadFile(file)
		require.NoError(tf.t, err)
		open := strings.ReplaceAll(string(text), "prevent_destroy = true", "prevent_destroy = false")
		require.NotEqual(tf.t, string(text), open, name)
		require.NoError(tf.t, os.WriteFile(file, []byte(open), 0o600))
	}
}

// plan returns the exit status of a plan.
func (tf *terraformRun) plan() int {
	tf.t.Helper()
	cmd := tf.command("plan", "-detailed-exitcode", "-out=plan.bin")
	out, err := cmd.CombinedOutput()
	status := cmd.ProcessState.ExitCode()
	require.Contains(tf.t, []int{noChanges, changes}, status, "%v\n%s", err, out)
	tf.t.Logf("%s", harness.Tail(string(out), 400))
	return status
}

// assertNoSecret searches state and plan, which is a zip archive, by what terraform
// shows of them, and every file as it is.
func (tf *terraformRun) assertNoSecret(t *testing.T) {
	t.Helper()
	tf.assertLacks(t, "bitbucket-oauth", terraformSecret, "terraform-pat")
}

// assertLacks demands that nothing has one of the secrets, and that what terraform shows
// has the name.
func (tf *terraformRun) assertLacks(t *testing.T, name string, secrets ...string) {
	t.Helper()
	for _, args := range [][]string{{"show", "-json"}, {"show", "-json", "plan.bin"}} {
		out, err := tf.command(args...).Output()
		require.NoError(t, err)
		require.Contains(t, string(out), name)
		for _, secret := range secrets {
			assert.NotContains(t, string(out), secret)
		}
	}
	files, err := filepath.Glob(filepath.Join(tf.dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if info, statErr := os.Stat(file); statErr == nil && info.IsDir() {
			continue
		}
		require.NoError(t, err)
		for _, secret := range secrets {
			assert.NotContains(t, string(data), secret, file)
		}
	}
}
