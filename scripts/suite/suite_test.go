package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/layer"
)

// What go test -json says of tests that pass, fail, are skipped, leave something and never
// end.
const stream = `not JSON
{"Action":"build-output","ImportPath":"m/broken","Output":"broken.go:1: no\n"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"    good_test.go:1: chatter\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood"}
{"Action":"output","Package":"m/a","Test":"TestBad/case","Output":"    bad_test.go:1: what is wrong\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad/case"}
{"Action":"fail","Package":"m/a","Test":"TestBad"}
{"Action":"output","Package":"m/a","Test":"TestLong","Output":"=== RUN   TestLong\n"}
{"Action":"output","Package":"m/a","Test":"TestLong","Output":"    long_test.go:1: left to make check: a thousand of them\n"}
{"Action":"output","Package":"m/a","Test":"TestLong","Output":"--- SKIP: TestLong (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestLong"}
{"Action":"output","Package":"m/a","Test":"TestHalf","Output":"    half_test.go:1: left to make check: pairs of them\n"}
{"Action":"pass","Package":"m/a","Test":"TestHalf"}
{"Action":"output","Package":"m/a","Test":"TestTool","Output":"    tool_test.go:1: needs a tool\n"}
{"Action":"skip","Package":"m/a","Test":"TestTool"}
{"Action":"output","Package":"m/a","Test":"TestStuck","Output":"a goroutine that hangs\n"}
{"Action":"output","Package":"m/a","Output":"FAIL\tm/a\t1.0s\n"}
{"Action":"fail","Package":"m/a"}
{"Action":"output","Package":"m/b","Output":"PASS\n"}
{"Action":"output","Package":"m/b","Output":"ok  \tm/b\t(cached)\n"}
{"Action":"pass","Package":"m/b"}
`

func TestReport(t *testing.T) {
	var out strings.Builder
	r := newReport(&out, false)
	require.NoError(t, r.read(strings.NewReader(stream)))
	r.conclude(false)
	assert.Equal(t, `not JSON
broken.go:1: no
    bad_test.go:1: what is wrong
FAIL	m/a	1.0s
a goroutine that hangs
ok  	m/b	(cached)

3 tests with 1 cases ran.
Skipped:
  needs a tool (TestTool)
Left to make check:
  a thousand of them (TestLong)
  pairs of them (TestHalf)
`, out.String())
}

func TestFewNames(t *testing.T) {
	assert.Equal(t, []string{"TestA/one", "TestB"}, few([]string{"TestB", "TestA/one"}))
	assert.Equal(t, []string{"TestA", "TestB"}, few([]string{"TestA/four", "TestB", "TestA/one", "TestA/two", "TestA/three"}))
}

// What was recorded is compared with what is declared: what nobody ran, and what every run
// left to make check, is named.
func TestMissing(t *testing.T) {
	r := newReport(&strings.Builder{}, false)
	require.NoError(t, r.read(strings.NewReader(stream)))
	folder := filepath.Join(t.TempDir(), "records")
	_, err := records(folder)
	require.Error(t, err)
	require.NoError(t, r.record(folder))
	ran, err := records(folder)
	require.NoError(t, err)
	all := []name{{"m/a", "TestGood"}, {"m/a", "TestBad"}, {"m/a", "TestTool"}}
	require.NoError(t, compare(all, ran))
	err = compare(append(all, name{"m/a", "TestHalf"}, name{"m/a", "TestLong"}, name{"m/a", "TestStuck"}, name{"m/c", "TestGood"}), ran)
	require.Error(t, err)
	assert.Equal(t, "nobody ran these tests, or all of them:\n  m/a TestHalf\n  m/a TestLong\n  m/a TestStuck\n  m/c TestGood", err.Error())

	elsewhere := append(slices.Clone(ran), outcome{name: name{"m/a", "TestLong"}, Action: "pass"})
	require.NoError(t, compare(append(all, name{"m/a", "TestLong"}), elsewhere), "left by one run, done by another")
	require.NoError(t, compare(append(all, name{"m/a", "TestLong"}), append(slices.Clone(elsewhere), ran...)), "in any order")
}

// The tests that the sources declare are those that go test lists.
func TestDeclared(t *testing.T) {
	found, err := declared(t.Context(), ".")
	require.NoError(t, err)
	said, err := exec.CommandContext(t.Context(), "go", "list", ".").Output()
	require.NoError(t, err)
	pkg := strings.TrimSpace(string(said))
	for _, test := range []string{"TestReport", "TestMissing", "TestDeclared"} {
		assert.Contains(t, found, name{pkg, test})
	}
	path := filepath.Join(t.TempDir(), "some_test.go")
	require.NoError(t, os.WriteFile(path, []byte("package some\nfunc TestMain(m *testing.M) {}\nfunc TestÄ(t *testing.T) {}\nfunc Testament() {}\nfunc FuzzIt(f *testing.F) {}\nfunc (x) TestMethod() {}\n"+
		"func ExampleOne() {\n\t// Output: one\n}\nfunc ExampleTwo() {}\n"), 0o600))
	names, err := testsIn(path)
	require.NoError(t, err)
	assert.Equal(t, []string{"TestÄ", "FuzzIt", "ExampleOne"}, names)
}

func TestMain(m *testing.M) {
	layer.NeverCached() // the tests look at the Makefile and at all sources
	os.Exit(m.Run())
}

// make check runs every package whole: no part of it leaves one out, or runs it with
// -short.
func TestCheckRunsEveryPackage(t *testing.T) {
	script, err := os.ReadFile("../check.sh")
	require.NoError(t, err)
	parts := regexp.MustCompile(`(?m)^parts=\((.*)\)$`).FindStringSubmatch(string(script))
	require.NotNil(t, parts)
	var whole []string
	for _, part := range strings.Fields(parts[1]) {
		said := output(t, "../..", "make", "-n", part, "VAULT_BIN=vault")
		for _, line := range strings.Split(said, "\n") {
			_, args, ok := strings.Cut(line, "./scripts/suite ")
			assert.NotContains(t, args, "-short")
			if ok && !strings.Contains(args, "-run") && !strings.Contains(args, "-skip") {
				whole = append(whole, strings.Fields(args)...)
			}
		}
	}
	for _, pkg := range strings.Fields(output(t, "../..", "go", "list", "./...")) {
		_, short, _ := strings.Cut(pkg, "/")
		assert.True(t, slices.Contains(whole, pkg) || slices.Contains(whole, "./"+short), "make check does not run %s", pkg)
	}
	assert.Contains(t, whole, "tools/browser")
}

// Only internal/layer asks whether tests are to be short, or raced, so that nothing is left out
// without being told.
func TestOnlyTheLayerIsShort(t *testing.T) {
	for text, file := range map[string]string{"testing" + ".Short()": "layer.go", "go:build" + " race": "race.go", "go:build" + " !race": "norace.go"} {
		said := output(t, "../..", "grep", "-rlF", "--include=*.go", text, ".")
		assert.Equal(t, "./internal/layer/"+file, strings.TrimSpace(said))
	}
}

func output(t *testing.T, folder, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Dir = folder
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

// A module that only pins the version of a program declares nothing, and go list would warn.
func TestDeclaredOfAModuleWithoutSources(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module pinned\n"), 0o600))
	has, err := hasSources(folder)
	require.NoError(t, err)
	assert.False(t, has)
	found, err := declared(t.Context(), folder)
	require.NoError(t, err)
	assert.Empty(t, found)
	has, err = hasSources(".")
	require.NoError(t, err)
	assert.True(t, has)
}
