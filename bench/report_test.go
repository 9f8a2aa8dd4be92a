package bench_test

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/bench"
)

func TestTargetsAreMetFromTheirSide(t *testing.T) {
	assert.True(t, bench.Target{Limit: 1.5, Measured: 1.5}.Met())
	assert.False(t, bench.Target{Limit: 1.5, Measured: 1.51}.Met())
	assert.True(t, bench.Target{Limit: 0.95, Measured: 0.95, AtLeast: true}.Met())
	assert.False(t, bench.Target{Limit: 0.95, Measured: 0.94, AtLeast: true}.Met())
}

// page is a page with something around what is written.
func page(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTheReportReplacesTheOneBefore(t *testing.T) {
	path := page(t, "# Title\n<!-- written by make bench -->\nold\n<!-- end of what make bench wrote -->\nThe end.\n")
	results, err := plan().Load(t.Context(), sleeper("one", 1), sleeper("two", 1))
	require.NoError(t, err)
	report := bench.Report{
		About:   "Measured today.",
		Targets: []bench.Target{{Name: "memory", Unit: "MB", Limit: 150, Measured: 151}},
		Tables:  []bench.Table{{Title: "Reads:", Results: []*bench.Result{results["one"], results["two"]}}},
		Charts: []bench.Chart{{Title: "Cost < all", Unit: "ms", Series: []bench.Series{
			{Name: "a & b", Points: []bench.Point{{Count: 10, Value: 0.5}, {Count: 100, Value: 5}}},
		}}},
	}
	for range 2 {
		require.NoError(t, report.WriteInto(path))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "# Title\n<!-- written by make bench -->\n"))
	assert.True(t, strings.HasSuffix(string(text), "<!-- end of what make bench wrote -->\nThe end.\n"))
	assert.NotContains(t, string(text), "old")
	assert.Equal(t, 1, strings.Count(string(text), "| memory | ≤ 150 MB | 151 MB | **missed** |"))
	assert.Contains(t, string(text), "| one | 1.00 |")
	assert.Contains(t, string(text), "](page.svg)")
	requireXML(t, filepath.Join(filepath.Dir(path), "page.svg"))
}

// requireXML demands that a picture can be read.
func requireXML(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	circles := 0
	for decoder := xml.NewDecoder(file); ; {
		token, err := decoder.Token()
		if err == io.EOF { //nolint:errorlint // the decoder returns it as it is
			break
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "circle" {
			circles++
		}
	}
	assert.Equal(t, 2, circles, "one for each point")
}

func TestAPageWithoutMarksIsLeftAlone(t *testing.T) {
	path := page(t, "# Title\n")
	require.ErrorContains(t, bench.Report{}.WriteInto(path), "no lines")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "# Title\n", string(text))
}
