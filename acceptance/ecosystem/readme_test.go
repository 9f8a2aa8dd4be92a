package ecosystem_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// The sessions of the pages work as they stand in the environment of make dev.
func TestReadmeSession(t *testing.T) {
	t.Parallel()
	exports := startDevScript(t)
	for _, page := range []string{readmePage, "docs/security.md"} {
		t.Run(page, func(t *testing.T) { runSession(t, harness.PageText(t, page), map[string]string{"session": exports}) })
	}
}

// runSession runs the console and sh blocks of a page's text in their order, each with
// the exports of who types it.
func runSession(t *testing.T, text string, exports map[string]string) {
	t.Helper()
	who := strings.Join(slices.Collect(maps.Keys(exports)), "|")
	blocks := regexp.MustCompile("(?ms)^```(console|sh) ("+who+")\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		all := []step{{command: block[3]}} // a script, without prompts and output
		if block[1] == "console" {
			all = steps(block[3])
		}
		for _, step := range all {
			out, err := bash(t, os.Environ(), exports[block[2]]+step.command)
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
	t.Parallel()
	targets := regexp.MustCompile("`?make ([a-z]+)").FindAllStringSubmatch(harness.PageText(t, readmePage), -1)
	require.NotEmpty(t, targets)
	for _, target := range targets {
		out, err := bash(t, os.Environ(), "make -n "+target[1])
		require.NoError(t, err, "%s", out)
	}
}

const readmePage = "README.md"

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

// Times and fingerprints are others each time.
var (
	shownTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	shownMark = regexp.MustCompile(`\b[0-9a-f]{16}\b`)
)

// assertShows demands each line that the page shows, where "..." is anything, a time any
// time and a fingerprint any fingerprint, and white space does not matter.
func assertShows(t *testing.T, out string, s step) {
	t.Helper()
	actual := strings.Join(strings.Fields(out), " ")
	for line := range strings.Lines(harness.Running(t).Says(s.output)) {
		parts := strings.Split(strings.Join(strings.Fields(line), " "), "...")
		for i, part := range parts {
			part = shownTime.ReplaceAllLiteralString(regexp.QuoteMeta(strings.TrimSpace(part)), shownTime.String())
			parts[i] = shownMark.ReplaceAllLiteralString(part, shownMark.String())
		}
		assert.Regexp(t, "(^| )"+strings.Join(parts, ".*")+"( |$)", actual, "%s", s.command)
	}
}
