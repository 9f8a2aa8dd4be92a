package sei_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// beside says what each folder may import of this module that is no room of backend/, of
// providers/, of the console or of acceptance/; "." is the root. What ends in "/" covers all
// that is below it. A folder that is not a room either has its whole line here.
func beside() map[string][]string {
	fakes := prefixed("providers/", upstreams("test"))
	tests := []string{"bench", "internal/histories", "internal/layer", "providers", "providers/"}
	return map[string][]string{
		".":                            {"input", "page", "metrics"},
		"cmd/vault-plugin-secrets-sei": {"."},
		"cmd/sei-console":              {},
		"console/page":                 {"look"},
		"look":                         {},
		"page":                         {"look"},
		"docs":                         {".", "internal/layer", "providers", "providers/catalog"}, // tests only
		"bench":                        {},
		"bench/floor":                  {},
		"examples/worker-go":           {},
		"internal/histories":           {},
		"internal/layer":               {},
		"scripts/archive":              {},
		"scripts/consent":              {},
		"scripts/contracts":            {"internal/layer", "providers", "providers/"}, // tests only
		"scripts/fakes":                append(fakes, "providers/catalog/catalogtest", "providers/providertest/authserver"),
		"scripts/live":                 {"acceptance/canary", "providers", "providers/catalog", "providers/providertest"},
		"scripts/rooms":                {},
		"scripts/servers":              {},
		"scripts/suite":                {"internal/layer"},
		"scripts/try":                  {"acceptance/host", "providers/jira/jiratest"},
		"acceptance/harness/evidence":  {"providers/catalog"},
		"acceptance/harness":           {"internal/layer", "providers/catalog/catalogtest"},
		"acceptance/stories":           tests,
		"acceptance/torture":           tests,
		"acceptance/bench":             tests,
		"acceptance/ecosystem":         tests,
	}
}

// prefixed are rooms as folders; the room "" is the one that they are in.
func prefixed(in string, rooms []string) []string {
	folders := make([]string, 0, len(rooms))
	for _, room := range rooms {
		folders = append(folders, strings.TrimSuffix(in+room, "/"))
	}
	return folders
}

// mayImport says which folders of this module one may import: those in the lines that it
// has of its own. There is no other way to be known.
func mayImport(dir string) (folders []string, known bool) {
	add := func(more []string, listed bool) {
		folders, known = append(folders, more...), known || listed
	}
	rooms, listed := below()[dir]
	add(prefixed("backend/", rooms), listed)
	if rooms, listed = allowed(dir); listed {
		add(prefixed("providers/", rooms), strings.HasPrefix(dir+"/", "providers/"))
	}
	rooms, listed = belowConsole()[dir]
	add(prefixed("console/", rooms), listed)
	rooms, listed = acceptanceRooms()[dir]
	add(prefixed("acceptance/", rooms), listed)
	rooms, listed = beside()[dir]
	add(rooms, listed)
	return folders, known
}

// trespasses are what a folder imports of this module and may not.
func trespasses(dir string, imports []string) []string {
	allowed, _ := mayImport(dir)
	var found []string
	for _, path := range imports {
		folder, ok := strings.CutPrefix(path, module+"/")
		if path == module {
			folder, ok = ".", true
		}
		if ok && !slices.ContainsFunc(allowed, func(a string) bool {
			return folder == a || strings.HasSuffix(a, "/") && strings.HasPrefix(folder, a)
		}) {
			found = append(found, folder)
		}
	}
	return found
}

// folders returns the imports of each folder of this module that has Go files: of its files
// but tests, and of a folder that has tests only, of those.
func folders(t *testing.T) map[string][]string {
	t.Helper()
	sources, tests := map[string][]string{}, map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "build" || isModule(path)):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		dir, into := filepath.ToSlash(filepath.Dir(path)), sources
		if strings.HasSuffix(path, "_test.go") {
			into = tests
		}
		into[dir] = append(into[dir], importsOf(t, path)...)
		return nil
	})
	require.NoError(t, err)
	for dir, imports := range tests {
		if _, has := sources[dir]; !has {
			sources[dir] = imports
		}
	}
	return sources
}

// isModule reports whether a folder is a module of its own, which cannot import this one
// without a line in its go.mod.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// Each folder imports what its lines say, and none is without a line.
func TestEachFolderHasItsLine(t *testing.T) {
	all := folders(t)
	assert.Greater(t, len(all), 75, "the walk found the folders")
	for dir, imports := range all {
		_, known := mayImport(dir)
		assert.True(t, known, "%s has no line: say in below(), allowed(), belowConsole(), acceptanceRooms() or beside() what it may import", dir)
		assert.Empty(t, trespasses(dir, imports), "imported by %s", dir)
	}
	for dir := range beside() {
		assert.Contains(t, all, dir, "a line of beside() is of no folder")
	}
}

// What must not be imported is found in every kind of folder, and a new one is not overlooked.
func TestTheWallsStand(t *testing.T) {
	for dir, bad := range map[string][]string{
		".":                                 {"cmd/vault-plugin-secrets-sei", "console", "look", "bench", "backend/oauth", "providers/jira"},
		"cmd/vault-plugin-secrets-sei":      {"backend", "backend/oauth", "providers", "providers/jira", "page", "look", "console"},
		"cmd/sei-console":                   {".", "backend", "console/page", "providers", "look"},
		"console/page":                      {".", "page", "console/serve"},
		"console/fleet":                     {"look", "console/page"},
		"look":                              {".", "backend", "page", "console"},
		"page":                              {".", "input", "providers", "console"},
		"bench":                             {".", "backend/mounted", "acceptance/harness"},
		"bench/floor":                       {".", "bench"},
		"examples/worker-go":                {".", "backend", "providers", "internal/layer"},
		"internal/histories":                {".", "backend", "acceptance/harness"},
		"internal/layer":                    {".", "backend"},
		"scripts/consent":                   {".", "page"},
		"scripts/contracts":                 {".", "backend", "acceptance/harness"},
		"scripts/fakes":                     {".", "backend", "providers/jira"},
		"scripts/live":                      {".", "backend", "providers/jira", "acceptance/harness"},
		"scripts/rooms":                     {".", "scripts/suite"},
		"scripts/suite":                     {".", "backend"},
		"scripts/try":                       {".", "backend", "acceptance/harness"},
		"docs":                              {"backend", "page"},
		"backend":                           {".", "backend/mount", "providers/jira", "internal/layer"},
		"backend/credential":                {"backend/config", "look"},
		"providers/jira":                    {"providers/gitlab", "providers/jira/jiratest", "backend", "look"},
		"providers/jira/jiratest":           {"providers", "providers/jira"},
		"providers/catalog/catalogtest":     {"providers/catalog", "providers/jira"},
		"providers/internal/upstream":       {"providers"},
		"providers/providertest":            {"providers", "."},
		"acceptance/stories":                {".", "backend", "backend/store", "acceptance/torture"},
		"acceptance/harness":                {".", "backend", "providers"},
		"acceptance/host":                   {".", "acceptance/harness"},
		"providers/providertest/authserver": {"providers"},
	} {
		_, known := mayImport(dir)
		assert.True(t, known, dir)
		for _, folder := range bad {
			path := strings.TrimSuffix(module+"/"+folder, "/.")
			assert.Equal(t, []string{folder}, trespasses(dir, []string{path, "fmt"}), "%s may import %s", dir, folder)
		}
	}
	for _, dir := range []string{"new", "backend/new", "backend/store/new", "providers/new", "providers/jira/new", "providers/internal/new", "console/new", "acceptance/new", "cmd/new", "scripts/new", "examples/new", "internal/new"} {
		_, known := mayImport(dir)
		assert.False(t, known, "%s has no line", dir)
	}
}
