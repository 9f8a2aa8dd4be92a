package acceptance_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// environ is the environment of the server and of the vault CLI: nothing of the
// user's Vault.
func (s *server) environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "LANG=C.UTF-8",
		"VAULT_ADDR=" + s.addr, "VAULT_TOKEN=" + s.token,
	}
}

// client returns a client with the root token that never sends a request twice.
func (s *server) client(t testing.TB) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	require.NoError(t, config.Error)
	config.Address, config.MaxRetries = s.addr, 0
	client, err := api.NewClient(config)
	require.NoError(t, err)
	client.SetToken(s.token)
	client.SetNamespace("")
	return client
}

// cli runs the vault CLI and returns what it wrote.
func (s *server) cli(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, vaultProgram(), args...)
	cmd.Env = s.environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
