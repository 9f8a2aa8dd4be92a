package harness

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// openAPI returns Vault's whole document, in which every mount is named.
func (s *Server) openAPI(t testing.TB) []byte {
	t.Helper()
	answer, err := s.Client(t).Logical().ReadRawWithDataWithContext(t.Context(), "sys/internal/specs/openapi",
		map[string][]string{"generic_mount_paths": {"false"}})
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	document, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return document
}

// ContractOf reads the document of a server that has the engine at sei.
func ContractOf(t *testing.T, s *Server) *evidence.Contract {
	t.Helper()
	document, err := evidence.CutMount(s.openAPI(t), "sei")
	require.NoError(t, err)
	c, err := evidence.NewContract(document)
	require.NoError(t, err)
	return c
}

// ReadOf returns the data of a path below sei.
func (s *Server) ReadOf(t *testing.T, path string) map[string]any {
	t.Helper()
	secret, err := s.Client(t).Logical().ReadWithContext(t.Context(), "sei/"+path)
	require.NoError(t, err)
	require.NotNil(t, secret)
	return secret.Data
}
