package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The page is what the results say, and no cell of it is empty.
func TestThePageIsMadeOfTheResults(t *testing.T) {
	t.Chdir("../..")
	all, err := readResults(resultsFile)
	require.NoError(t, err)
	want, err := page(all, expectedServers)
	require.NoError(t, err)
	have, err := os.ReadFile(pageFile)
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "go run ./scripts/servers -write")
}

func TestAnEmptyCellIsAnError(t *testing.T) {
	full := func() results {
		all := results{}
		for _, server := range []string{"OpenBao 2.6.2", "Vault 1.21.1"} {
			for _, s := range suites() {
				all.set(server, s.name, result{Date: "2026-12-01", Passed: 3})
			}
		}
		return all
	}
	expected := func() ([]string, error) { return []string{"OpenBao", "Vault 1.21.1"}, nil }
	text, err := page(full(), expected)
	require.NoError(t, err)
	assert.Contains(t, text, "| Vault 1.21.1 | 3 passed, 2026-12-01 |")

	for _, s := range suites() {
		lacking := full()
		lacking.remove("OpenBao 2.6.2", s.name)
		_, err := page(lacking, expected)
		assert.EqualError(t, err, "OpenBao 2.6.2 has no result of "+s.name)
	}
	undated := full()
	undated.set("Vault 1.21.1", "demo", result{Passed: 1})
	_, err = page(undated, expected)
	require.EqualError(t, err, "Vault 1.21.1 has no result of demo")

	gone := full()
	delete(gone, "Vault 1.21.1")
	gone.set("Vault 1.21.10", "demo", result{Passed: 1})
	_, err = page(gone, expected)
	require.EqualError(t, err, "there are no results of Vault 1.21.1")
}

// A test with cases counts by its cases, and what was skipped keeps its reason.
func TestCounting(t *testing.T) {
	var r result
	r.count([]ended{
		{"p", "TestA", "pass", ""},
		{"p", "TestA/one", "pass", ""},
		{"p", "TestA/two", "skip", "no events"},
		{"q", "TestA", "pass", ""},
		{"p", "TestB", "skip", "no events"},
	})
	assert.Equal(t, 2, r.Passed)
	assert.Equal(t, map[string][]string{"no events": {"TestA/two", "TestB"}}, r.Skipped)
}

func TestOnlyServersAreRun(t *testing.T) {
	_, err := serverOf(t.Context(), "true")
	require.EqualError(t, err, "true is no Vault and no OpenBao")
	_, err = chosenSuites("storys")
	require.ErrorContains(t, err, `there is no suite "storys", only stories, ecosystem`)
}
