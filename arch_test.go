package sei_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "vault-plugin-secrets-sei"

// forbidden says, for the packages below a folder, which imports point upwards
// or sideways. A prefix that ends in "/" covers what is below it.
func forbidden() map[string][]string {
	return map[string][]string{
		"input":     {module, module + "/console/", module + "/page", module + "/metrics", module + "/backend/", module + "/cmd/", "github.com/hashicorp/vault/", "net/http", "net"},
		"page":      {module, module + "/console/", module + "/input", module + "/metrics", module + "/backend/", module + "/providers", module + "/cmd/", "github.com/hashicorp/", "net/http", "net"},
		"metrics":   {module, module + "/console/", module + "/input", module + "/page", module + "/providers", module + "/cmd/", "github.com/hashicorp/", "net/http", "net"},
		"backend":   {module, module + "/console/", module + "/input", module + "/page", module + "/metrics", module + "/cmd/", module + "/providers/", "github.com/hashicorp/vault/sdk/framework", "net/http", "net"},
		"providers": {module, module + "/console/", module + "/input", module + "/page", module + "/metrics", module + "/backend", module + "/cmd/", "github.com/hashicorp/"},
		".":         {module + "/cmd/", module + "/console", module + "/console/", module + "/acceptance/", "net/http"},
		"cmd":       {module + "/backend", module + "/backend/", module + "/providers", module + "/providers/"},
		"look":      {module, module + "/", "github.com/hashicorp/", "net/http", "net"},
		// The console is a program of its own, and the plugin knows nothing of it.
		"console":                      {module, module + "/input", module + "/page", module + "/metrics", module + "/backend", module + "/backend/", module + "/providers", module + "/providers/", module + "/cmd/", "github.com/hashicorp/vault/sdk/"},
		"cmd/sei-console":              {module},
		"cmd/vault-plugin-secrets-sei": {module + "/console", module + "/console/"},
	}
}

// lent is what one folder may import although a rule forbids it to all around it: the cache
// of routes has nothing to do with Vault.
func lent() map[string]string {
	return map[string]string{"providers/internal/upstream": "github.com/hashicorp/golang-lru/v2/simplelru"}
}

// allowed says which rooms of providers/ a package may import: those below it, and
// nothing beside it. A folder that is neither in the list, nor an upstream with a fake, nor
// such a fake, has no line.
func allowed(dir string) (rooms []string, listed bool) {
	const http, probe, oauth = "internal/upstream", "internal/probe", "internal/oauthclient"
	const kit, authserver = "providertest", "providertest/authserver"
	fixed := map[string][]string{
		".":                                 {"", "catalog"},
		"input":                             {""},
		"page":                              {},
		"metrics":                           {},
		"backend":                           {""},
		"providers/internal/upstream":       {},
		"providers":                         {http},
		"providers/internal/probe":          {"", http},
		"providers/internal/oauthclient":    {"", http, probe},
		"providers/webhook":                 {"", http, probe},
		"providers/catalog":                 append(upstreams(""), "", http, "webhook"),
		"providers/providertest":            {},
		"providers/providertest/authserver": {kit},
		"providers/catalog/catalogtest":     append(upstreams("test"), "", kit, authserver),
	}
	if rooms, ok := fixed[dir]; ok {
		return rooms, true
	}
	if strings.HasPrefix(dir, "backend/") {
		return []string{""}, true // a room of it
	}
	room, ok := strings.CutPrefix(dir, "providers/")
	switch {
	case !ok:
		return nil, false
	case slices.Contains(upstreams("test"), room):
		return []string{kit, authserver}, true
	case slices.Contains(upstreams(""), room):
		return []string{"", http, probe, oauth}, true
	}
	return nil, false
}

// upstreams returns the folders of providers/ that hold one upstream each, or those of
// their fakes.
func upstreams(fakes string) []string {
	folders, _ := filepath.Glob("providers/*/*" + "test")
	found := make([]string, 0, len(folders))
	for _, folder := range folders {
		name := filepath.Base(filepath.Dir(folder))
		switch {
		case name == "catalog":
		case fakes != "":
			found = append(found, name+"/"+name+fakes)
		default:
			found = append(found, name)
		}
	}
	return found
}

// Each room of providers/ imports what lies below it: upstream, providers, probe,
// oauthclient, the upstreams, catalog. Fakes are for tests, and do not know what they
// test.
func TestRoomsOfProviders(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range imports(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		top, _, _ := strings.Cut(dir, "/")
		if !slices.Contains([]string{".", "input", "page", "metrics", "backend", "providers"}, top) {
			continue
		}
		seen[dir] = true
		rooms, listed := allowed(dir)
		assert.True(t, listed, "say in allowed() what %s may import", dir)
		for _, path := range imports {
			room, ok := strings.CutPrefix(path+"/", module+"/providers/")
			if ok && !slices.Contains(rooms, strings.TrimSuffix(room, "/")) {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
	assert.GreaterOrEqual(t, len(seen), 42, "the walk found the rooms")
	assert.GreaterOrEqual(t, len(upstreams("")), 7)
}

// below says which rooms of backend/ a package may import; "" is backend itself. config and
// credential do not know each other, and only mounted knows all.
func below() map[string][]string {
	return map[string][]string{
		".":                   {"", "fault", "handout", "health", "invite", "mounted", "notify", "waiting"},
		"input":               {""},
		"page":                {""},
		"metrics":             {"", "health"},
		"backend/store":       {},
		"backend":             {"store"},
		"backend/fingerprint": {"", "store"},
		"backend/mount":       {"", "store"},
		"backend/fault":       {"", "store"},
		"backend/quota":       {""},
		"backend/ask":         {""},
		"backend/window":      {""},
		"backend/finding":     {"", "store", "fault"},
		"backend/config":      {"", "store", "finding", "fingerprint", "window"},
		"backend/credential":  {"", "store", "ask", "fault", "finding", "fingerprint", "quota"},
		"backend/invite":      {"", "store", "credential"},
		"backend/oauth":       {"", "store", "ask", "fault", "credential", "invite"},
		"backend/handout":     {"", "quota", "credential", "oauth"},
		"backend/waiting":     {"", "handout"},
		"backend/rotation":    {"", "store", "ask", "credential"},
		"backend/health":      {"", "store", "ask", "fault", "finding", "quota", "credential", "oauth", "handout", "rotation"},
		"backend/swap":        {"", "store", "fault", "credential", "invite", "oauth", "rotation", "health"},
		"backend/sweep":       {"", "store", "fault", "finding", "credential", "rotation", "health", "swap", "window"},
		"backend/notify":      {"", "store", "fault"},
		"backend/mounted":     {"", "store", "fingerprint", "notify", "mount", "fault", "quota", "finding", "config", "credential", "invite", "oauth", "handout", "waiting", "rotation", "health", "swap", "sweep"},
	}
}

// Each room of backend/ imports what lies below it, and nothing beside it.
func TestRoomsOfBackend(t *testing.T) {
	rooms, seen := below(), map[string]bool{}
	for file, imports := range imports(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		allowed, known := rooms[dir]
		if !known {
			assert.False(t, strings.HasPrefix(dir, "backend/"), "say in below() what %s may import", dir)
			continue
		}
		seen[dir] = true
		for _, path := range imports {
			room, ok := strings.CutPrefix(path+"/", module+"/backend/")
			if ok && !slices.Contains(allowed, strings.TrimSuffix(room, "/")) {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
	assert.Len(t, seen, len(rooms), "the walk found the rooms")
}

// acceptanceRooms says what each room of acceptance/ may import of it, tests too. The rooms of
// stories and measurements stand on the harness, and do not know each other.
func acceptanceRooms() map[string][]string {
	tests := []string{"harness", "harness/evidence"}
	return map[string][]string{
		"acceptance/canary":           {"canary"},
		"acceptance/host":             {"host"},
		"acceptance/harness/evidence": {"canary"},
		"acceptance/harness":          {"harness/evidence"},
		"acceptance/stories":          tests,
		"acceptance/torture":          tests,
		"acceptance/bench":            tests,
		"acceptance/ecosystem":        tests,
	}
}

// The folders of acceptance/ import what they stand on. What runs in the built plugin is
// tested from outside: of the engine they know the fakes and the types of providers.
func TestRoomsOfAcceptance(t *testing.T) {
	seen := map[string]bool{}
	engine := []string{module, module + "/input", module + "/page", module + "/metrics", module + "/backend"}
	err := filepath.WalkDir("acceptance", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") {
			return err
		}
		room := filepath.ToSlash(filepath.Dir(file))
		allowed, known := acceptanceRooms()[room]
		assert.True(t, known, "say in acceptanceRooms() what %s may import", room)
		seen[room] = true
		for _, path := range importsOf(t, file) {
			below, ok := strings.CutPrefix(path, module+"/acceptance/")
			if ok && !slices.Contains(allowed, below) || slices.Contains(engine, path) || strings.HasPrefix(path, module+"/backend/") {
				t.Errorf("%s imports %s", file, path)
			}
		}
		return nil
	})
	require.NoError(t, err)
	assert.Len(t, seen, len(acceptanceRooms()), "the walk found the rooms")
}

// belowConsole says which rooms of the console a package may import. Only vaultapi talks to
// Vault, and only console knows all.
func belowConsole() map[string][]string {
	return map[string][]string{
		"console/vaultapi": {},
		"console/session":  {},
		"console/launch":   {},
		"console/engine":   {"vaultapi"},
		"console/fleet":    {"engine"},
		"console/page":     {"engine", "fleet"},
		"console/serve":    {"vaultapi", "engine", "fleet", "page"},
		"console":          {"vaultapi", "session", "launch", "serve"},
		"cmd/sei-console":  {""},
	}
}

// Each room of the console imports what lies below it, and nothing beside it; the client of
// Vault is imported by one.
func TestRoomsOfTheConsole(t *testing.T) {
	rooms, seen := belowConsole(), map[string]bool{}
	for file, imports := range imports(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		allowed, known := rooms[dir]
		if !known {
			assert.False(t, strings.HasPrefix(dir, "console/"), "say in belowConsole() what %s may import", dir)
			continue
		}
		seen[dir] = true
		for _, path := range imports {
			room, ok := strings.CutPrefix(path+"/", module+"/console/")
			if ok && !slices.Contains(allowed, strings.TrimSuffix(room, "/")) {
				t.Errorf("%s imports %s", file, path)
			}
			if strings.HasPrefix(path, "github.com/hashicorp/") && dir != "console/vaultapi" {
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
	assert.Len(t, seen, len(rooms), "the walk found the rooms")
}

// Imports go down only: cmd, sei, input, page and metrics, backend, providers.
func TestImportsGoDownOnly(t *testing.T) {
	seen := 0
	for file, imports := range imports(t) {
		dir := filepath.Dir(file)
		for folder, banned := range forbidden() {
			if dir != folder && (folder == "." || !strings.HasPrefix(dir, folder+"/")) {
				continue
			}
			seen++
			for _, path := range imports {
				for _, b := range banned {
					if (path == b || strings.HasSuffix(b, "/") && strings.HasPrefix(path, b)) && path != lent()[dir] {
						t.Errorf("%s imports %s", file, path)
					}
				}
			}
		}
	}
	assert.Greater(t, seen, 30, "the walk found the sources")
}

// Only the HTTP client may build a client or a transport: elsewhere a redirect
// could be followed or an address not be judged.
func TestOneHTTPClient(t *testing.T) {
	for file, imports := range imports(t) {
		if strings.HasPrefix(file, "providers/internal/upstream/") || strings.HasPrefix(file, "providers/providertest/") {
			continue
		}
		for _, path := range imports {
			assert.NotContains(t, []string{"crypto/tls", "net/http/httputil"}, path, file)
		}
	}
}

// maxFiles is how many files a room has at most, tests not counted: one that a reader can
// take in. What is larger is two rooms.
const maxFiles = 25

// No room is too large. Packages for tests only are not rooms. That no circle of files spans
// rooms needs no test: Go allows packages none.
func TestNoRoomIsTooLarge(t *testing.T) {
	files := map[string]int{}
	for file := range imports(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		if !strings.HasSuffix(dir, "test") && dir != "providers/providertest/authserver" {
			files[dir]++
		}
	}
	assert.Greater(t, len(files), 30, "the walk found the rooms")
	for room, n := range files {
		assert.LessOrEqual(t, n, maxFiles, "%s has too many files: divide it; see docs/architecture.md", room)
	}
}

// Package backend has values only. A value knows no storage, no lock and no clock, starts
// nothing, waits for nothing, and asks no provider. Of package store it uses what encodes,
// and one duration.
func TestBackendHasValuesOnly(t *testing.T) {
	imported := []string{"context", "crypto/rand", "crypto/sha256", "crypto/subtle", "encoding/base64", "encoding/json", "errors", "fmt", "maps", "slices", "strings", "time", module + "/backend/store", module + "/providers"}
	ofStore := []string{"Unknown", "DecodeKnown", "WriteTimeout"}
	ofTime := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	files, err := filepath.Glob("backend/*.go")
	require.NoError(t, err)
	require.Greater(t, len(files), 15)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			assert.Contains(t, imported, name, path)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.ChanType, *ast.SendStmt:
				t.Errorf("%s is not for values: %T", path, n)
			case *ast.InterfaceType:
				assert.Empty(t, n.Methods.List, "%s has an interface: a value has nobody to call", path)
			case *ast.SelectorExpr:
				assert.NotEqual(t, "Validate", n.Sel.Name, path)
				switch from, _ := n.X.(*ast.Ident); {
				case from == nil:
				case from.Name == "store":
					assert.Contains(t, ofStore, n.Sel.Name, path)
				case from.Name == "time":
					assert.NotContains(t, ofTime, n.Sel.Name, path)
				}
			}
			return true
		})
	}
}

// Each room says in a doc.go what lives there, what it may touch, and where to begin
// reading: in three sentences or more, the last of which begins with Begin.
func TestEachRoomSaysWhereToBegin(t *testing.T) {
	rooms := map[string]bool{}
	for file := range imports(t) {
		rooms[filepath.ToSlash(filepath.Dir(file))] = true
	}
	for room := range acceptanceRooms() {
		rooms[room] = true
	}
	for room := range rooms {
		if isCommand(t, room) {
			continue
		}
		path := filepath.Join(room, "doc.go")
		if room == "." {
			path = "sei.go"
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if !assert.NoError(t, err) || !assert.NotNil(t, file.Doc, path) {
			continue
		}
		text := strings.Join(strings.Fields(file.Doc.Text()), " ")
		assert.True(t, strings.HasPrefix(text, "Package "+file.Name.Name+" "), path)
		assert.Regexp(t, `\. Begin with `, text, path)
		assert.GreaterOrEqual(t, len(regexp.MustCompile(`[.:] [A-Z]|\.$`).FindAllString(text, -1)), 3, "%s: what lives there, what it may touch, where to begin", path)
	}
}

func isCommand(t *testing.T, dir string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
		require.NoError(t, err)
		if file.Name.Name == "main" {
			return true
		}
	}
	return false
}

// imports returns the imports of every file of the engine but tests.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "tools" || d.Name() == "acceptance" || d.Name() == "scripts" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		found[path] = importsOf(t, path)
		return nil
	})
	require.NoError(t, err)
	return found
}

// importsOf returns the imports of a file.
func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	require.NoError(t, err)
	found := []string{}
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		found = append(found, name)
	}
	return found
}
