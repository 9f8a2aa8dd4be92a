package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// memory is how much of the plugin's processes is resident, in bytes: the least that is
// seen within a second, because garbage comes and goes.
func (b *benchmark) memory() int64 {
	b.t.Helper()
	least := int64(0)
	for range 10 {
		if now := b.resident(); least == 0 || now < least {
			least = now
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.Positive(b.t, least, "no process of the plugin was found in /proc")
	return least
}

func (b *benchmark) resident() int64 {
	var sum int64
	for _, dir := range b.processes() {
		program, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil || filepath.Base(program) != harness.PluginName {
			continue
		}
		status, _ := os.ReadFile(filepath.Join(dir, "status"))
		for line := range bytes.Lines(status) {
			var kilobytes int64
			if _, err := fmt.Sscanf(string(line), "VmRSS: %d kB", &kilobytes); err == nil {
				sum += kilobytes << 10
			}
		}
	}
	return sum
}

// processorTime is what the server and its plugins have used so far.
func (b *benchmark) processorTime() time.Duration {
	const tick = 10 * time.Millisecond // what Linux counts in
	var sum time.Duration
	for _, dir := range b.processes() {
		stat, _ := os.ReadFile(filepath.Join(dir, "stat"))
		_, rest, _ := strings.Cut(string(stat), ") ") // after the name, which may hold anything
		fields := strings.Fields(rest)
		const user, system = 11, 12
		if len(fields) <= system {
			continue
		}
		for _, field := range []string{fields[user], fields[system]} {
			ticks, _ := strconv.ParseInt(field, 10, 64)
			sum += time.Duration(ticks) * tick
		}
	}
	return sum
}

// processes are the folders in /proc of the server and its plugins.
func (b *benchmark) processes() []string {
	var own []string
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil && b.server.Owns(pid) {
			own = append(own, dir)
		}
	}
	return own
}
