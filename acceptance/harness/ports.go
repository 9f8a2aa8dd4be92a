package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The addresses that the tests' servers listen on lie below the ones that Linux gives to
// connections by itself, so that none is taken between the look and the start. Each process
// of tests that runs on the machine has a range of its own.
const (
	firstPort   = 12000
	portRanges  = 30
	pairsARange = 300 // of ports: a server's, and the next one for its cluster
)

// ports counts the pairs of this process.
var ports atomic.Int32 //nolint:gochecknoglobals // servers of all tests share the machine's ports

// portRange is the range of this process, which it has until it ends.
var portRange = sync.OnceValues(claimPorts) //nolint:gochecknoglobals // as ports

// claimPorts takes the first range that no other process has.
func claimPorts() (int32, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("sei-acceptance-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	for place := range int32(portRanges) {
		// Never closed: the lock ends with the process.
		file, err := syscall.Open(filepath.Join(dir, fmt.Sprint(place)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			return 0, err
		}
		if err := syscall.Flock(file, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return place, nil
		}
		_ = syscall.Close(file)
	}
	return 0, errors.New("too many runs of the tests at once: no ports are left")
}

// FreeAddress returns an address of its own that nothing listened on a moment ago.
func FreeAddress(t testing.TB) string {
	t.Helper()
	place, err := portRange()
	require.NoError(t, err)
	var config net.ListenConfig
	for range pairsARange {
		pair := place*pairsARange + ports.Add(1)%pairsARange
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+2*pair)
		listener, err := config.Listen(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	require.FailNow(t, "no port is free")
	return ""
}
