package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// PluginState is what the process of a plugin that BuildClock built holds, after a collection of
// its garbage, and how many entries its mount has in storage.
type PluginState struct {
	Heap       int64 `json:"heap"` // bytes
	Goroutines int   `json:"goroutines"`
	Resident   int64 // bytes
	Files      int   // that are open, connections among them
	Entries    map[string]int
}

// PluginState looks at the one plugin process of the server.
func (s *Server) PluginState(t testing.TB) PluginState {
	t.Helper()
	pid := s.pluginProcess(t)
	file := filepath.Join(s.Plugins, PluginName+".state")
	_ = os.Remove(file) // of the last time, if there was one
	require.NoError(t, syscall.Kill(pid, syscall.SIGUSR2))
	var (
		state PluginState
		text  []byte
	)
	s.Wait(t, "tell of its plugin", func(context.Context) bool {
		var err error
		text, err = os.ReadFile(file)
		time.Sleep(10 * time.Millisecond)
		return err == nil
	})
	require.NoError(t, json.Unmarshal(text, &state))
	dir := fmt.Sprintf("/proc/%d", pid)
	files, err := os.ReadDir(filepath.Join(dir, "fd"))
	require.NoError(t, err)
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	require.NoError(t, err)
	for line := range bytes.Lines(status) {
		var kilobytes int64
		if _, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kilobytes); err == nil {
			state.Resident = kilobytes << 10
		}
	}
	state.Files, state.Entries = len(files), map[string]int{}
	s.countEntries(t, "", state.Entries)
	return state
}

// pluginProcess is the id of the server's plugin, of which there must be one.
func (s *Server) pluginProcess(t testing.TB) int {
	t.Helper()
	var found []int
	for _, pid := range s.process.programs() {
		program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err == nil && filepath.Base(program) == PluginName {
			found = append(found, pid)
		}
	}
	require.Len(t, found, 1, "processes of the plugin")
	return found[0]
}

// countEntries counts what is stored below a prefix, by the first folder.
func (s *Server) countEntries(t testing.TB, prefix string, counts map[string]int) {
	t.Helper()
	keys, err := s.StoredKeys(t, prefix)
	require.NoError(t, err)
	for _, key := range keys {
		name, _ := key.(string)
		if strings.HasSuffix(name, "/") {
			s.countEntries(t, prefix+name, counts)
			continue
		}
		folder, _, _ := strings.Cut(prefix+name, "/")
		counts[folder]++
	}
}
