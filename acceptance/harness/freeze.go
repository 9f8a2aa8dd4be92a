package harness

import (
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Freeze stops the server and its plugins where they are, by SIGSTOP: they keep their
// connections and answer nobody. A frozen server can be killed.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	frozen := 0
	for _, pid := range s.process.programs() {
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
		frozen++
	}
	require.GreaterOrEqual(t, frozen, 2, "a server and its plugin")
}

// Thaw lets them go on, the plugins first.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	pids := s.process.programs()
	for i := len(pids) - 1; i >= 0; i-- {
		require.NoError(t, syscall.Kill(pids[i], syscall.SIGCONT))
	}
}

// programs are the processes of the group without the guard, the oldest first.
func (p *Process) programs() []int {
	var all []int
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err == nil && pid != p.cmd.Process.Pid && p.owns(pid) {
			all = append(all, pid)
		}
	}
	slices.Sort(all)
	return all
}
