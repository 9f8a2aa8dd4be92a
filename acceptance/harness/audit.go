package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"
)

func (s *Server) auditPath() string { return filepath.Join(s.Dir, "audit.log") }

// Audit returns all that the audit device wrote.
func (s *Server) Audit(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(s.auditPath())
	require.NoError(t, err)
	return string(data)
}

// EnableAudit enables the audit device, which Audit reads. A server that was started has
// it; a test that measures may have disabled it.
func (s *Server) EnableAudit(t testing.TB) {
	t.Helper()
	if Has(t, AuditByAPI) {
		err := s.Client(t).Sys().EnableAuditWithOptionsWithContext(t.Context(), "file", &api.EnableAuditOptions{
			Type: "file", Options: map[string]string{"file_path": s.auditPath()},
		})
		require.NoError(t, err)
		return
	}
	s.redeclareAudit(t, true)
}

// DisableAudit disables it.
func (s *Server) DisableAudit(t testing.TB) {
	t.Helper()
	if Has(t, AuditByAPI) {
		require.NoError(t, s.Client(t).Sys().DisableAuditWithContext(t.Context(), "file"))
		return
	}
	s.redeclareAudit(t, false)
}

// writeConfig writes the server's configuration and returns its path. Where the API takes no
// audit device, it has the device if that is to be enabled. It is one file: of several,
// OpenBao 2.6.2 leaves out disable_standby_reads.
func (s *Server) writeConfig(t testing.TB, audited bool) string {
	t.Helper()
	config := s.config
	if audited && !Has(t, AuditByAPI) {
		// In the server's own folder: OpenBao serves nothing unless a restored snapshot, and every
		// server of a cluster, has the device with the same path.
		config += fmt.Sprintf("\naudit \"file\" \"file\" {\n  options = { file_path = %q }\n}\n", filepath.Base(s.auditPath()))
	}
	path := filepath.Join(s.Dir, "vault.hcl")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	return path
}

// redeclareAudit makes a running server read that configuration, and waits until it is so.
func (s *Server) redeclareAudit(t testing.TB, enabled bool) {
	t.Helper()
	s.writeConfig(t, enabled)
	require.NoError(t, s.process.Reload())
	s.Wait(t, "change its audit devices", func(ctx context.Context) bool {
		devices, err := s.Client(t).Sys().ListAuditWithContext(ctx)
		return err == nil && (devices["file/"] != nil) == enabled
	})
}
