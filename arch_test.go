package sei_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
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
		"backend":                     {module, module + "/cmd/", "github.com/hashicorp/vault/sdk/framework", "net/http", "net"},
		"providers":                   {module, module + "/backend", module + "/cmd/", "github.com/hashicorp/"},
		"providers/internal/upstream": {module, module + "/backend", module + "/providers", "github.com/hashicorp/"},
		".":                           {module + "/cmd/", module + "/acceptance", module + "/providers/internal/", module + "/providers/providertest", "net/http"},
		"cmd":                         {module + "/backend", module + "/providers"},
	}
}

// Imports go down only: cmd, sei, backend, providers, the HTTP client.
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
					if folder == "providers" && strings.HasPrefix(dir, "providers/") && path == module+"/providers" {
						continue // what is below may know what is above it in the tree, not in the house
					}
					if path == b || strings.HasSuffix(b, "/") && strings.HasPrefix(path, b) {
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
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			found[path] = append(found[path], name)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}
