package docs_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sei "vault-plugin-secrets-sei"
)

const apiPage = "docs/api.md"

// docs/api.md says of the paths what "vault path-help" does, which is made of the same
// descriptions as here: each path and each field, and none that there is not. The fields
// of the providers are in docs/providers.md, which is written from them.
func TestTheAPIPageIsComplete(t *testing.T) {
	engine := newEngine(t)
	page := readPage(t, apiPage)
	both := page + readPage(t, "docs/providers.md")
	spelled := map[string]bool{}
	for path := range document(t, engine).Paths {
		name := strings.TrimPrefix(regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(path, ":$1"), "/")
		spelled[name] = true
		assert.True(t, regexp.MustCompile("(?m)(`|^## .*)"+regexp.QuoteMeta(name)).MatchString(page), "the page lacks the path %s", name)
	}
	known := map[string]bool{}
	for path := range spelled {
		p := engine.Route(strings.ReplaceAll(path, ":", ""))
		require.NotNil(t, p, path)
		for name := range fieldsOf(p) {
			known[name] = true
			assert.True(t, strings.Contains(both, "`"+name+"`") || strings.Contains(both, "`"+name+"="), "the pages lack the field %s of %s", name, p.Pattern)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1) {
		if !strings.ContainsAny(heading[1], "/:") {
			continue // prose
		}
		for name := range strings.SplitSeq(heading[1], ", ") {
			assert.True(t, spelled[name] || spelled[name+"/"], "there is no path %s", name)
		}
	}
	for _, name := range namesInTables(page) {
		assert.True(t, known[name], "there is no field %s", name)
	}
}

// described is an engine that can be asked for its paths.
type described interface {
	logical.Backend
	Route(path string) *framework.Path
}

func newEngine(t *testing.T) described {
	t.Helper()
	system := &logical.StaticSystemView{PluginEnvironment: &logical.PluginEnvironment{}} // help asks for it
	b, err := sei.Factory(t.Context(), &logical.BackendConfig{StorageView: &logical.InmemStorage{}, System: system})
	require.NoError(t, err)
	t.Cleanup(func() { b.Cleanup(context.Background()) })
	engine, ok := b.(described)
	require.True(t, ok)
	return engine
}

// document is what the engine says of its paths where Vault asks for all of them.
func document(t *testing.T, engine logical.Backend) *framework.OASDocument {
	t.Helper()
	resp, err := engine.HandleRequest(t.Context(), &logical.Request{
		Operation: logical.HelpOperation, Storage: &logical.InmemStorage{}, Data: map[string]any{"requestResponsePrefix": "sei"},
	})
	require.NoError(t, err)
	doc, ok := resp.Data["openapi"].(*framework.OASDocument)
	require.True(t, ok)
	return doc
}

// fieldsOf are the names of what a path takes and answers.
func fieldsOf(p *framework.Path) map[string]bool {
	names := map[string]bool{}
	for name := range p.Fields {
		names[name] = true
	}
	for _, handler := range p.Operations {
		for _, answers := range handler.Properties().Responses {
			for name := range answers[0].Fields {
				names[name] = true
			}
		}
	}
	return names
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// namesInTables are the fields that the page's tables of fields name.
func namesInTables(page string) []string {
	var names []string
	column := -1
	for line := range strings.Lines(page) {
		cells := strings.Split(line, " |")
		header := slices.IndexFunc(cells, func(cell string) bool { return strings.HasSuffix(cell, "field") || strings.HasSuffix(cell, "setting") })
		switch {
		case !strings.HasPrefix(line, "|"):
			column = -1
		case column < 0 && header >= 0 && len(cells[header]) < 12:
			column = header
		case column >= 0 && column < len(cells):
			for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[column], -1) {
				names = append(names, name[1])
			}
		}
	}
	return names
}
