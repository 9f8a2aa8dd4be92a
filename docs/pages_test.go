package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are the texts for people, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || d.Name() == "node_modules" || d.Name() == "testdata" || len(d.Name()) > 1 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		found[path] = string(text)
		return err
	}))
	require.Contains(t, found, "README.md")
	return found
}

// fence is a block of code: its language, the word after it, and its lines.
type fence struct{ language, word, text, page, around string }

var fenceForm = regexp.MustCompile("(?ms)^```([a-z]+)(?: ([^\n]*))?\n(.*?)^```$")

// fences are the blocks of code of a page, with the paragraphs before and after.
func fences(page, text string) []fence {
	var all []fence
	for _, at := range fenceForm.FindAllStringSubmatchIndex(text, -1) {
		part := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		before := strings.Split(strings.TrimSpace(text[:at[0]]), "\n\n")
		after := strings.Split(strings.TrimSpace(text[at[1]:]), "\n\n")
		all = append(all, fence{part(1), part(2), part(3), page, before[len(before)-1] + "\n" + after[0]})
	}
	return all
}

var linkForm = regexp.MustCompile(`\]\(([^)\s]+)\)|<img[^>]* src="([^"]+)"`)

// Every link leads somewhere: to a file of this repository, to a heading of it, or by
// https to elsewhere. Whether what is elsewhere is still there no test can say that
// talks to loopback only.
func TestLinks(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, match := range linkForm.FindAllStringSubmatch(fenceForm.ReplaceAllString(text, ""), -1) {
			assertLeads(t, all, page, match[1]+match[2])
		}
	}
}

func assertLeads(t *testing.T, all map[string]string, page, link string) {
	t.Helper()
	target, err := url.Parse(link)
	require.NoError(t, err, "%s: %s", page, link)
	if target.Scheme != "" {
		assert.Equal(t, "https", target.Scheme, "%s: %s", page, link)
		assert.NotEmpty(t, target.Host, "%s: %s", page, link)
		return
	}
	file := page
	if target.Path != "" {
		file = filepath.Join(filepath.Dir(page), target.Path)
		_, err := os.Stat(file)
		assert.NoError(t, err, "%s: %s", page, link)
	}
	if target.Fragment != "" && all[file] != "" {
		assert.Contains(t, anchors(all[file]), target.Fragment, "%s: %s", page, link)
	}
}

// anchors are those of a page's headings.
func anchors(text string) []string {
	var all []string
	for line := range strings.Lines(fenceForm.ReplaceAllString(text, "")) {
		if heading, ok := strings.CutPrefix(line, "#"); ok {
			all = append(all, anchor(strings.TrimSpace(strings.TrimLeft(heading, "#"))))
		}
	}
	return all
}

// Every command that a page shows is run by a test, or is said not to be. What runs it
// follows from the word after the language of its block:
//
//	session, person, monitor   acceptance/ecosystem, on a real server
//	tools                      make and go test: this test sees that what they name exists
//	signing                    tools/image, where cosign is (make signing)
//	transcript                 written by a script that a test holds against the demo
//	untested                   nothing; the text beside it says "not run by a test"
func TestEveryCommandIsRunOrMarked(t *testing.T) {
	ran := sources(t, "acceptance/ecosystem")
	for page, text := range pages(t) {
		outside := fenceForm.ReplaceAllString(text, "")
		assert.NotRegexp(t, "(?m)^\\s+```", outside, "%s: a block that is indented is not seen here", page)
		assert.NotRegexp(t, `(?m)^    (\$ |\w+=\S+ )?(vault|make|go|terraform|docker) `, outside, "%s: a command outside of a block", page)
		for _, f := range fences(page, text) {
			if f.language != "sh" && f.language != "console" {
				continue
			}
			switch f.word {
			case "session", "person":
				assertMentions(t, ran, `"`+page+`"`, "no acceptance test runs the sessions of "+page)
			case "monitor":
				assertMentions(t, ran, "```sh monitor", "nothing runs the monitor of "+page)
			case "signing":
				assertMentions(t, sources(t, "tools/image"), "```console signing", "nothing runs the signing of "+page)
			case "tools":
				assertTools(t, f)
			case "transcript":
				assertMentions(t, ran, `"`+page+`"`, "no test holds the transcript in "+page+" against what it is of")
			case "untested":
				said := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(f.around, "*", "")), " "))
				assert.Regexp(t, "not run by an?y? test", said, "%s: %s", page, f.text)
			default:
				t.Errorf("%s: nothing says what runs these commands:\n%s", page, f.text)
			}
		}
	}
}

// assertMentions is assert.Contains that does not print a whole package.
func assertMentions(t *testing.T, text, what, failure string) {
	t.Helper()
	if !strings.Contains(text, what) {
		t.Error(failure)
	}
}

// sources are the tests of a package.
func sources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, dir)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
	}
	return all.String()
}

var (
	makeForm   = regexp.MustCompile(`\bmake ([a-z]+)((?: [A-Z]+=(?:'[^']*'|\S+))*)$`)
	goTestForm = regexp.MustCompile(`\bgo test .*-(?:run|bench) (?:'([^']*)'|(\S+)).* (\.\S*)$`)
)

// assertTools demands that targets, variables and tests have the names that a block
// gives them.
func assertTools(t *testing.T, f fence) {
	t.Helper()
	makefile, err := os.ReadFile("Makefile")
	require.NoError(t, err)
	for line := range strings.Lines(f.text) {
		line, _, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "$ ")), " #")
		line = strings.TrimSpace(line)
		if m := makeForm.FindStringSubmatch(line); m != nil {
			assert.Regexp(t, "(?m)^"+m[1]+":", string(makefile), "%s: %s", f.page, line)
			for _, set := range strings.Fields(m[2]) {
				if name, _, ok := strings.Cut(set, "="); ok {
					assert.Regexp(t, `(?m)^`+regexp.QuoteMeta(name)+`\s+[?:]=`, string(makefile), "%s: %s", f.page, line)
				}
			}
			continue
		}
		m := goTestForm.FindStringSubmatch(line)
		if !assert.NotNil(t, m, "%s: neither make nor go test: %s", f.page, line) {
			continue
		}
		if strings.HasSuffix(m[3], "...") {
			continue // any package
		}
		tests := sources(t, m[3])
		for alternative := range strings.SplitSeq(m[1]+m[2], "|") {
			assert.Regexp(t, `(?m)^func `+strings.ReplaceAll(strings.Split(strings.TrimPrefix(alternative, "^"), "/")[0], "$", `\(`), tests, "%s: %s", f.page, line)
		}
	}
}

// No page is left that nobody finds.
func TestEveryPageIsLinked(t *testing.T) {
	all := pages(t)
	var linked []string
	for page, text := range all {
		for _, match := range linkForm.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(match[1], "#")
			linked = append(linked, filepath.Join(filepath.Dir(page), target))
		}
	}
	for page := range all {
		dir := filepath.Dir(page)
		assert.True(t, page == "README.md" || slices.Contains(linked, page) || dir != "." && slices.Contains(linked, dir), "no page links to %s", page)
	}
}
