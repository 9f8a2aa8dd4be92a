package stories_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// goldenDir has what the vault CLI prints, as people see it. Run the stories with -update
// to write it anew, and read the difference.
const goldenDir = "testdata/golden"

// runPrints runs the vault CLI, which must fail unless the command is negated by "!", and
// notes under a heading what it prints. The heading is empty where it continues.
func runPrints(ts *testscript.TestScript, neg bool, args []string) {
	s := storyWith(ts, args, 2, 20)
	cmd := exec.CommandContext(s.t.Context(), harness.Vault(), args[1:]...)
	cmd.Env = append(s.server.Environ(), "VAULT_MAX_RETRIES=0", "VAULT_TOKEN="+ts.Getenv("VAULT_TOKEN"))
	cmd.Dir = ts.Getenv("WORK")
	out, err := cmd.CombinedOutput()
	if failed := err != nil; failed == neg {
		ts.Fatalf("failed=%t: %s", failed, out)
	}
	if args[0] != "" {
		fmt.Fprintf(&s.printed, "## %s\n\n", args[0])
	}
	fmt.Fprintf(&s.printed, "$ vault %s\n%s\n\n", strings.Join(quoted(args[1:]), " "), strings.TrimSpace(string(out)))
}

// quoted is how a person would type the arguments.
func quoted(args []string) []string {
	typed := slices.Clone(args)
	for i, arg := range typed {
		if strings.ContainsAny(arg, " *") {
			typed[i] = "'" + arg + "'"
		}
	}
	return typed
}

// runGolden holds what was noted against a file.
func runGolden(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts, neg, args, 1, 1)
	path, printed := filepath.Join(goldenDir, args[0]), s.normal(s.printed.String())
	if flag.Lookup("update").Value.String() == "true" {
		ts.Check(os.WriteFile(path, []byte(printed), 0o600))
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	assert.Equal(s.t, strings.Split(string(want), "\n"), strings.Split(printed, "\n"), "%s; if it is right, run with -update", path)
}

// normal takes out of a text what is of this run alone.
func (s *story) normal(text string) string {
	known := map[string]string{s.mount: "sei", s.server.Addr: "https://vault.example.com"}
	for name, url := range s.fakes.URLs {
		known[url] = "$" + name
		known[strings.TrimPrefix(url, "http://")] = "$" + name
	}
	longestFirst := slices.SortedFunc(maps.Keys(known), func(a, b string) int { return len(b) - len(a) })
	for _, found := range longestFirst {
		text = strings.ReplaceAll(text, found, known[found])
	}
	text = regexp.MustCompile(`\b20\d\d-\d\d-\d\dT[\d:.]+Z`).ReplaceAllString(text, "2027-01-31T12:00:00Z")
	return regexp.MustCompile(`\b[0-9a-f]{16}\b`).ReplaceAllString(text, "0123456789abcdef")
}

// Every code that docs/api.md lists is printed in the golden file, but for these.
func TestGoldenErrorsHaveEveryCode(t *testing.T) {
	elsewhere := map[string]string{
		"unknown_provider": "needs a build that had more providers",
		"oauth_denied":     "comes in the browser, as a page",
		"invitation_ended": "comes in the browser, as a page",
		"busy":             "needs a flood of requests",
	}
	_, table, found := strings.Cut(harness.PageText(t, "docs/api.md"), "\n## Errors\n")
	require.True(t, found)
	golden, err := os.ReadFile(filepath.Join(goldenDir, "errors.txt"))
	require.NoError(t, err)
	codes := 0
	for line := range strings.Lines(table) {
		cell, rest, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !regexp.MustCompile(`^[45]\d\d `).MatchString(rest) {
			continue
		}
		for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(cell, -1) {
			codes++
			if elsewhere[code[1]] == "" {
				refused := strings.Contains(string(golden), "\n* "+code[1]+": ") // assert.Contains would print the file
				assert.True(t, refused, "no command is refused with %s", code[1])
			}
		}
	}
	assert.Greater(t, codes, 25)
}

// What a person reads in a terminal fits into it, but for what Vault indents and does not
// wrap: the descriptions of fields.
func TestGoldenHelpFits(t *testing.T) {
	const width = 100
	help, err := os.ReadFile(filepath.Join(goldenDir, "help.txt"))
	require.NoError(t, err)
	for number, line := range strings.Split(string(help), "\n") {
		if !strings.HasPrefix(line, "        ") {
			assert.LessOrEqual(t, len(line), width, "help.txt:%d", number+1)
		}
	}
}
