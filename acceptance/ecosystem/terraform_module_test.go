package ecosystem_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// readingTeam is a root module as README.md of the example describes it: the integrations
// of a team at a mount that is there, and a credential that the run needs itself. What it
// does with it shows that it had it.
const readingTeam = `
provider "vault" {}

module "integrations" {
  source = "./module"
  mount  = "sei"

  integrations = {
    team-jira = { provider = "jira", auth_type = "pat", url = %URL% }
    team-copy = { provider = "jira", auth_type = "pat", url = %URL% }
  }
  read = var.read
}

variable "read" {
  type    = set(string)
  default = []
}

ephemeral "vault_generic_endpoint" "use" {
  for_each  = var.read
  path      = "sei/reauth/team-copy"
  data_json = jsonencode({ pat = module.integrations.credentials[each.key].pat })
}
`

// A team uses the module alone, and reads a credential, which neither plan nor state has.
func TestTerraformModule(t *testing.T) {
	layer.Check(t, "the module with Terraform itself")
	t.Parallel()
	folder := os.Getenv(envProvider)
	terraform, err := exec.LookPath("terraform")
	if folder == "" || err != nil {
		t.Skipf("needs terraform, and the official provider in $%s", envProvider)
	}
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	tf := newTerraformIn(t, os.DirFS(terraformDir+"/module"), "module", terraform, folder, server, map[string]any{})
	root := strings.ReplaceAll(readingTeam, "%URL%", asJSON(t, fakes.URLs["JIRA_DC"]))
	require.NoError(t, os.WriteFile(filepath.Join(tf.dir, "main.tf"), []byte(root), 0o600))
	tf.run("get") // the module; the provider is there
	tf.run("apply", "-auto-approve")
	assert.Equal(t, noChanges, tf.plan())

	fakes.World.JiraDataCenter.AddPAT("ada", "terraform-pat")
	person := tokenFor(t, server, "sei-reauthenticate-team-jira")
	_, err = person.WriteWithContext(t.Context(), "sei/reauth/team-jira", map[string]any{"pat": "terraform-pat"})
	require.NoError(t, err)
	tf.variables["read"] = []string{"team-jira"}
	tf.save()
	require.Contains(t, []int{noChanges, changes}, tf.plan())
	tf.run("apply", "-auto-approve")
	used, err := client.ReadWithContext(t.Context(), "sei/creds/team-copy")
	require.NoError(t, err)
	require.NotNil(t, used, "the run had the credential")
	assert.Equal(t, "terraform-pat", used.Data["pat"])
	tf.assertLacks(t, "team-jira", "terraform-pat")
}

// The files of the example are formatted as terraform would, which also reads them.
func TestTerraformFormat(t *testing.T) {
	layer.Check(t, "the format of the files for Terraform")
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("needs terraform")
	}
	cmd := exec.CommandContext(t.Context(), terraform, "fmt", "-check", "-diff", "-recursive", terraformDir)
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+os.DevNull)
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}

// hclBlock is a block at the left edge of a file that terraform fmt would leave alone.
var hclBlock = regexp.MustCompile(`(?ms)^([a-z]+)((?: "[^"]+")*) \{\n(.*?)^\}$|^provider "vault" \{\}$`)

// hclBlocks are the blocks of a folder, by kind and labels: `ephemeral "a" "b"`.
func hclBlocks(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	found := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		rest := hclBlock.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := hclBlock.FindStringSubmatch(block)
			found[parts[1]+parts[2]] += parts[3]
			return ""
		})
		rest = regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(rest, "")
		require.Empty(t, strings.TrimSpace(rest), "%s has what this test does not understand", file)
	}
	return found
}

// Without Terraform: only ephemeral blocks touch credentials and secrets, whose values leave
// by an ephemeral output alone, and the folder hands the module all that it takes.
func TestTerraformKeepsNoCredential(t *testing.T) {
	t.Parallel()
	folder, module := hclBlocks(t, terraformDir), hclBlocks(t, terraformDir+"/module")
	reading := `ephemeral "vault_generic_secret" "credential"`
	require.Contains(t, module, reading)
	assert.Contains(t, module[reading], `"${var.mount}/creds/${each.key}"`)
	assert.Regexp(t, `(?m)^  ephemeral +=\s+true$`, module[`output "credentials"`])
	assert.Regexp(t, `(?m)^  ephemeral +=\s+true$`, module[`variable "client_secrets"`])
	for _, blocks := range []map[string]string{folder, module} {
		for name, body := range blocks {
			kind, _, _ := strings.Cut(name, " ")
			assert.NotEqual(t, "data", kind, "the state keeps what a data source reads")
			if kind != "ephemeral" {
				assert.NotContains(t, body, "/creds/${each.key}\"\n", name)
				assert.False(t, kind == "resource" && strings.Contains(body, "client_secrets"), name)
			}
			if strings.Contains(body, "ephemeral.") {
				assert.Equal(t, `output "credentials"`, name)
			}
		}
	}
	for name := range module {
		if variable, is := strings.CutPrefix(name, `variable "`); is && variable != `read"` {
			assert.Regexp(t, `(?m)^  `+strings.TrimSuffix(variable, `"`)+` += `, folder[`module "integrations"`])
		}
	}
}
