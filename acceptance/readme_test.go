package acceptance_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The sessions of the pages work as they stand in the environment of make dev.
func TestReadmeSession(t *testing.T) {
	exports := startDevScript(t)
	for _, page := range []string{readmePage, "docs/security.md"} {
		t.Run(page, func(t *testing.T) { runSession(t, pageText(t, page), map[string]string{"session": exports}) })
	}
}

// runSession runs the console blocks of a page's text in their order, each with the
// exports of who types it.
func runSession(t *testing.T, text string, exports map[string]string) {
	t.Helper()
	who := strings.Join(slices.Collect(maps.Keys(exports)), "|")
	blocks := regexp.MustCompile("(?ms)^```console ("+who+")\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		for _, step := range steps(block[2]) {
			out, err := bash(t, os.Environ(), exports[block[1]]+step.command)
			if refused := strings.HasPrefix(step.output, "Error"); refused {
				assert.Error(t, err, "%s\n%s", step.command, out)
			} else {
				require.NoError(t, err, "%s\n%s", step.command, out)
			}
			assertShows(t, out, step)
		}
	}
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
