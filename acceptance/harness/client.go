package harness

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

// Environ is the environment of the server and of the vault CLI: nothing of the
// user's Vault.
func (s *Server) Environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "TMPDIR=" + s.Dir, "LANG=C.UTF-8",
		"VAULT_ADDR=" + s.Addr, "VAULT_TOKEN=" + s.Token,
	}
}

// Client returns a client with the root token that never sends a request twice.
func (s *Server) Client(t testing.TB) *api.Client {
	t.Helper()
	config := api.DefaultConfig()
	require.NoError(t, config.Error)
	config.Address, config.MaxRetries = s.Addr, 0
	client, err := api.NewClient(config)
	require.NoError(t, err)
	client.SetToken(s.Token)
	client.SetNamespace("")
	return client
}

// CLI runs the vault CLI and returns what it wrote.
func (s *Server) CLI(t testing.TB, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), StartLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, Vault(), args...)
	cmd.Env = s.Environ()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// VaultOnPath returns a PATH on which the server is vault, whatever its file is called.
func VaultOnPath(t testing.TB) string {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.Symlink(Vault(), filepath.Join(bin, "vault")))
	return bin + string(os.PathListSeparator) + os.Getenv("PATH")
}
