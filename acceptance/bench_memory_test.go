package acceptance_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"
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
	processes, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range processes {
		program, err := os.Readlink(link)
		if err != nil || filepath.Base(program) != pluginName {
			continue
		}
		dir := filepath.Dir(link)
		if pid, err := strconv.Atoi(filepath.Base(dir)); err != nil || !b.server.process.owns(pid) {
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
