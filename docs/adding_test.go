package docs_test

import (
	"io/fs"
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

const addingDocs = "docs/adding-a-provider.md"

// TestAddingAProvider follows docs/adding-a-provider.md in a copy of the tree: it
// works, and what is forgotten is named.
func TestAddingAProvider(t *testing.T) {
	layer.Check(t, "docs/adding-a-provider.md followed in a copy of the tree")
	tree := copyTree(t)
	steps := readSteps(t)
	require.Len(t, steps, 13)

	apply(t, tree, steps[:4])
	said, err := runIn(t, tree, "test", "./providers/catalog", "-run", "^TestConformance$/^exampleci$")
	require.Error(t, err, "without a suite")
	assert.Contains(t, said, "the provider has no suite")

	apply(t, tree, steps[4:])
	assertOneFolder(t, steps)
	said, err = runIn(t, tree, "test", "./providers/catalog", "-run", "^(TestConformance|TestErrorsQuoteNobody|TestAnswersOfOthers|TestSuites|TestSpecs?|TestCredentialsOfAllKindsAreKept)$/^exampleci")
	require.NoError(t, err, said)
	said, err = runIn(t, tree, "test", "-run", "TestProviderDocs", "./docs")
	require.Error(t, err, "without documentation")
	assert.Contains(t, said, "run make docs")

	t.Setenv("UPDATE_DOCS", "1")
	said, err = runIn(t, tree, "test", "-run", "TestProviderDocs|TestImports|TestRooms|TestNoRoom|TestEachRoom|TestThePicture|TestEveryPath|TestProviders|TestSecrets", ".", "./docs", "./scripts/rooms")
	require.NoError(t, err, said)
	page, err := os.ReadFile(filepath.Join(tree, providerDocs))
	require.NoError(t, err)
	assert.Contains(t, string(page), "## Example CI")
}

// assertOneFolder demands that the provider is a folder: beside its suite, what is new is in
// there, and what there was gets single lines only.
func assertOneFolder(t *testing.T, steps []step) {
	t.Helper()
	var files []string
	for _, s := range steps {
		switch {
		case s.after != "":
			assert.Contains(t, []string{"providers/catalog/catalog.go", "providers/catalog/catalogtest/world.go", "providers/catalog/catalogtest/suite.go"}, s.path)
		case strings.HasPrefix(s.path, "providers/exampleci/"):
			files = append(files, strings.TrimPrefix(s.path, "providers/exampleci/"))
		default:
			assert.Equal(t, "providers/catalog/catalogtest/suite_exampleci.go", s.path)
		}
	}
	assert.ElementsMatch(t, []string{"doc.go", "exampleci.go", "examplecitest/doc.go", "examplecitest/fake.go"}, files)
}

// step is a file to write, or lines to add to one behind another line.
type step struct {
	path  string
	after string // "" for a whole file
	text  string
}

func readSteps(t *testing.T) []step {
	t.Helper()
	page, err := os.ReadFile(addingDocs)
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?ms)^```(go|diff) (\\S+)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	steps := make([]step, 0, len(blocks))
	for _, b := range blocks {
		s := step{path: b[2], text: b[3]}
		if b[1] == "diff" {
			kept, added, ok := strings.Cut(b[3], "\n+")
			require.True(t, ok, b[3])
			s.after = strings.TrimPrefix(kept, " ") + "\n"
			s.text = strings.ReplaceAll(added, "\n+", "\n")
		}
		steps = append(steps, s)
	}
	return steps
}

func apply(t *testing.T, tree string, steps []step) {
	t.Helper()
	for _, s := range steps {
		path := filepath.Join(tree, s.path)
		text := s.text
		if s.after != "" {
			old, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(old), s.after), "%s has this line once: %s", s.path, s.after)
			text = strings.Replace(string(old), s.after, s.after+s.text, 1)
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// copyTree copies what the module's packages consist of.
func copyTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" || d.Name() == "tools"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(tree, path), 0o700)
		case path == "docs/adding_test.go":
			return nil // it would follow the page again, in the copy
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tree, path), data, 0o600)
	})
	require.NoError(t, err)
	return tree
}

func runIn(t *testing.T, tree string, args ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", slices.Insert(slices.Clone(args), 1, "-trimpath")...)
	// So that nothing is compiled again that is the same in this tree.
	command.Dir, command.Env = tree, append(os.Environ(), "CGO_ENABLED=0")
	said, err := command.CombinedOutput()
	return string(said), err
}
