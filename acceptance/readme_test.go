package acceptance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The sessions of the pages work as they stand in the environment of make dev.
func TestReadmeSession(t *testing.T) {
	exports := startDevScript(t)
	for _, page := range []string{readmePage, "docs/security.md"} {
		t.Run(page, func(t *testing.T) { runSession(t, exports, page) })
	}
}

func runSession(t *testing.T, exports, page string) {
	t.Helper()
	blocks := fenced(t, page, "console session")
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for _, step := range steps(block) {
			out, err := bash(t, os.Environ(), exports+step.command)
			if refused := strings.HasPrefix(step.output, "Error"); refused {
				assert.Error(t, err, "%s\n%s", step.command, out)
			} else {
				require.NoError(t, err, "%s\n%s", step.command, out)
			}
			assertShows(t, out, step)
		}
	}
}

// The commands that register and mount the plugin work on a server of one's own.
func TestReadmeRegistration(t *testing.T) {
	blocks := fenced(t, readmePage, "sh register")
	require.Len(t, blocks, 1)
	plugins, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	server := startEmptyRaft(t, plugins)
	// Not the server's HOME: the caches of go are in the user's.
	environ := append(os.Environ(), "VAULT_ADDR="+server.addr, "VAULT_TOKEN="+server.token,
		"PLUGIN_DIR="+plugins, "PATH="+vaultOnPath(t))

	out, err := bash(t, environ, "set -e\n"+blocks[0])
	require.NoError(t, err, "%s", out)
	out, err = bash(t, environ, "vault path-help sei/config && vault read -field=creds_ttl sei/config")
	require.NoError(t, err, "%s", out)
	mount, err := server.client(t).Sys().MountConfigWithContext(t.Context(), "sei")
	require.NoError(t, err)
	assert.ElementsMatch(t, auditKeys(), mount.AuditNonHMACResponseKeys)
}

// The README names no make target that does not exist.
func TestReadmeTargets(t *testing.T) {
	targets := regexp.MustCompile("`?make ([a-z]+)").FindAllStringSubmatch(pageText(t, readmePage), -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		out, err := bash(t, os.Environ(), "make -n "+target[1])
		require.NoError(t, err, "%s", out)
	}
}

const readmePage = "README.md"

func pageText(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", page))
	require.NoError(t, err)
	return string(data)
}

// fenced returns the page's fenced blocks with that info string.
func fenced(t *testing.T, page, info string) []string {
	t.Helper()
	pattern := regexp.MustCompile("(?ms)^```" + info + "\n(.*?)^```$")
	var blocks []string
	for _, match := range pattern.FindAllStringSubmatch(pageText(t, page), -1) {
		blocks = append(blocks, match[1])
	}
	return blocks
}

// step is a command of a session and what the page shows of its output.
type step struct{ command, output string }

// steps splits a block at its prompts; a line after a backslash belongs to the command.
func steps(block string) []step {
	var all []step
	continued := false
	for line := range strings.Lines(block) {
		command, prompted := strings.CutPrefix(line, "$ ")
		switch {
		case prompted:
			all = append(all, step{command: command})
		case continued:
			all[len(all)-1].command += line
		default:
			all[len(all)-1].output += line
		}
		continued = (prompted || continued) && strings.HasSuffix(line, "\\\n")
	}
	return all
}

// assertShows demands each line that the page shows, where "..." is anything
// and white space does not matter.
func assertShows(t *testing.T, out string, s step) {
	t.Helper()
	actual := strings.Join(strings.Fields(out), " ")
	for line := range strings.Lines(s.output) {
		parts := strings.Split(strings.Join(strings.Fields(line), " "), "...")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(strings.TrimSpace(part))
		}
		assert.Regexp(t, "(^| )"+strings.Join(parts, ".*")+"( |$)", actual, "%s", s.command)
	}
}
