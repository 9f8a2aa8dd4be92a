package torture_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// diskSize is that of the file system on which the server keeps its state.
const diskSize = "64m"

// The disk under a server fills up while workers are at work. What was acknowledged is
// there afterwards, what was not is refused, and nothing is mixed.
func TestAFullDisk(t *testing.T) {
	layer.Check(t, "a disk that fills up")
	server := harness.NewRaft(t, "one", harness.Plugins())
	smallDisk(t, server.DataPath())
	server.Initialize(t)
	server.Register(t)
	server.Mount(t, "sei")
	traffic := startTraffic(t, server, harness.StartFakes(t))
	traffic.await(t, 10)
	ballast := fill(t, server.DataPath())
	traffic.awaitRefusals(t, 20)
	require.NoError(t, os.Remove(ballast))
	awaitRecovery(t, server)
	traffic.await(t, 10)
	traffic.end(t, server)
	refused, unread := statuses(traffic.refused), statuses(traffic.unread)
	t.Logf("on a full disk writes are refused with %v, reads with %v", refused, unread)
	// 0 is a server that ended; it must be answered with an error where it did not.
	assert.Subset(t, []int{0, 500, 502, 503}, refused)
}

// awaitRecovery brings a server back that ended on a full disk: Vault does if it cannot apply
// what Raft has already committed, and goes on by itself if Raft's own log is what could
// not be written: it has no leader meanwhile and serves nobody. Which comes first is chance.
func awaitRecovery(t *testing.T, s *harness.Server) {
	t.Helper()
	if s.Ended() {
		t.Log("Vault ended")
		s.Start(t)
	}
	status, err := s.Client(t).Sys().SealStatusWithContext(t.Context())
	require.NoError(t, err)
	if status.Sealed {
		s.Unseal(t)
	}
}

// smallDisk mounts a file system of diskSize, or skips the test where that is not
// allowed and the tests are not required.
func smallDisk(t *testing.T, path string) {
	t.Helper()
	err := syscall.Mount("tmpfs", path, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "size="+diskSize+",mode=0700")
	if err != nil && (os.Geteuid() != 0 || os.Getenv("SEI_ACCEPTANCE") != "required") {
		t.Skipf("no small disk: mounting one needs root: %v", err)
	}
	require.NoError(t, err, "mounting a small disk")
	t.Cleanup(func() {
		// Lazily, because the server may still be there.
		assert.NoError(t, syscall.Unmount(path, syscall.MNT_DETACH))
	})
}

// fill writes a file until there is no room, and returns its path.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	_, err = io.Copy(file, zeros{})
	require.ErrorIs(t, err, syscall.ENOSPC)
	return path
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
