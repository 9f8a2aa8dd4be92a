package ecosystem_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

// The demo checks each of its steps itself, and leaves nothing behind.
func TestDemo(t *testing.T) {
	temp := shortTempDir(t)
	log := runScript(t, temp, "demo.sh")
	for !log.process.Ended() {
		require.False(t, log.late(), "the demo takes too long:\n%s", log.text(t))
		time.Sleep(50 * time.Millisecond)
	}
	require.Zero(t, log.process.ExitCode(), "%s", log.text(t))
	require.Contains(t, log.text(t), "every step did what it says")
	assertEmpty(t, temp)
	told := commandsIn(harness.PageText(t, "docs/demo.md"))
	if !harness.Has(t, harness.AuditByAPI) {
		require.Equal(t, "vault audit enable file file_path=audit.log", told[0])
		told[0] = "vault audit list"
	}
	assert.Equal(t, told, commandsIn(log.text(t)), "run make transcript")
}

// What differs from run to run in the commands of the demo.
var (
	somePort   = regexp.MustCompile(`127\.0\.0\.1:\w+`)
	someFolder = regexp.MustCompile(`([@=])/\S*/`)
)

// commandsIn are the commands of a transcript, each in one line.
func commandsIn(transcript string) []string {
	var all []string
	continued := false
	for line := range strings.Lines(transcript) {
		line = strings.TrimSpace(line)
		command, prompted := strings.CutPrefix(line, "$ ")
		goesOn := strings.HasSuffix(line, "\\")
		command = strings.Join(strings.Fields(strings.TrimSuffix(command, "\\")), " ")
		switch {
		case prompted:
			all = append(all, command)
		case continued:
			all[len(all)-1] += " " + command
		}
		continued = (prompted || continued) && goesOn
	}
	for i, command := range all {
		all[i] = someFolder.ReplaceAllString(somePort.ReplaceAllLiteralString(command, "127.0.0.1"), "$1")
	}
	return all
}

// dev.sh stays up, and takes everything with it when it is told to end.
func startDevScript(t *testing.T) (exports string) {
	t.Helper()
	temp := shortTempDir(t)
	log := runScript(t, temp, "dev.sh")
	t.Cleanup(func() {
		log.process.Stop(20 * time.Second)
		assertEmpty(t, temp)
	})
	for !strings.Contains(log.text(t), "Ctrl-C ends everything") {
		require.False(t, log.late() || log.process.Ended(), "dev.sh did not start:\n%s", log.text(t))
		time.Sleep(50 * time.Millisecond)
	}
	for line := range strings.Lines(log.text(t)) {
		if strings.HasPrefix(line, "export ") {
			exports += line
		}
	}
	return exports
}

// scriptLog is a running script and what it wrote.
type scriptLog struct {
	process *harness.Process
	path    string
	started time.Time
}

func runScript(t *testing.T, temp, name string) *scriptLog {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	p, err := harness.StartProcess(log, append(os.Environ(), "TMPDIR="+temp), "../../scripts/"+name)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return &scriptLog{process: p, path: log.Name(), started: time.Now()}
}

func (l *scriptLog) text(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(l.path)
	require.NoError(t, err)
	return string(data)
}

// late reports whether the script has had its time: two minutes, in which it may
// have to build the plugin.
func (l *scriptLog) late() bool { return time.Since(l.started) > 2*time.Minute }

// shortTempDir is like t.TempDir with a path that leaves room for sockets.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sei-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// assertEmpty ignores what the go command keeps for itself.
func assertEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, "[!g]*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// bash runs a script in the module's folder.
func bash(t *testing.T, environ []string, script string) (string, error) {
	t.Helper()
	layer.NeverCached()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir, cmd.Env = "../..", environ
	out, err := cmd.CombinedOutput()
	return string(out), err
}
