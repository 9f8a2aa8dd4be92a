package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const architecturePage = "docs/architecture.md"

var (
	// codeForm is a link to something in a source file, such as [`Door.Lock`](../backend/credential/hold.go).
	codeForm = regexp.MustCompile("\\[`([^`]+)`\\]\\(\\.\\./([^)]+\\.go)\\)")
	stepForm = regexp.MustCompile(`(?m)^\d+\. .*\n(?:    ?\S.*\n|   \S.*\n)*`)
	roomForm = regexp.MustCompile("\\*\\*`([^`]+)`\\*\\*")
)

// Whatever docs/architecture.md says of a file is in that file.
func TestArchitectureNamesWhatThereIs(t *testing.T) {
	links := codeForm.FindAllStringSubmatch(readPage(t, architecturePage), -1)
	require.Greater(t, len(links), 80)
	for _, link := range links {
		if name, file := link[1], link[2]; name != filepath.Base(file) {
			_, ok := declarations(t, file)[name]
			assert.True(t, ok, "%s has no %s", file, name)
		}
	}
}

// The way of a re-authentication is one: each function is called by one before it, in a
// room that the step names, and no room is entered more than twice.
func TestTheWayOfAReauthentication(t *testing.T) {
	// By whom those are called that no function before them names.
	byOthers := map[string]string{
		"engine.HandleRequest": "Vault",
		"serve":                "the framework calls what it returned for the path",
		"engine.reauth":        "serve was given it as the handler of the path",
		"engine.logSwap":       "the door was given it by mounted.Backend.SwapsTo",
	}
	_, section, _ := strings.Cut(readPage(t, architecturePage), "\n## One re-authentication\n")
	section, _, _ = strings.Cut(section, "\n## ")
	steps := stepForm.FindAllString(section, -1)
	require.Greater(t, len(steps), 15)
	var before []*ast.FuncDecl
	entered := map[string]int{}
	for _, step := range steps {
		links := codeForm.FindAllStringSubmatch(step, -1)
		for _, room := range roomForm.FindAllStringSubmatch(step, -1) {
			entered[room[1]]++
			assert.True(t, slices.ContainsFunc(links, func(link []string) bool { return filepath.Dir(link[2]) == room[1] }), "nothing of %s: %s", room[1], step)
		}
		called := []string{}
		for _, link := range links {
			if f, ok := declarations(t, link[2])[link[1]].(*ast.FuncDecl); ok {
				before, called = append(before, f), append(called, link[1])
			}
		}
		for _, name := range called {
			if _, ok := byOthers[name]; !ok {
				assert.True(t, slices.ContainsFunc(before, func(f *ast.FuncDecl) bool { return nameOf(f) != name && calls(f, name) }), "nothing before it calls %s", name)
			}
			delete(byOthers, name)
		}
	}
	assert.Empty(t, byOthers)
	assert.GreaterOrEqual(t, len(entered), 12)
	for room, times := range entered {
		assert.LessOrEqual(t, times, 2, room)
	}
}

// Each room of the picture has its row, and each row its room. That the picture is that of
// the imports a test of scripts/rooms sees.
func TestEachRoomIsDescribed(t *testing.T) {
	page := readPage(t, architecturePage)
	_, picture, _ := strings.Cut(page, "```mermaid\n")
	picture, table, _ := strings.Cut(picture, "```\n")
	table, _, _ = strings.Cut(table, "\n## ")
	var drawn, described []string
	for _, node := range regexp.MustCompile(`(?m)^ +(\w+)\["`).FindAllStringSubmatch(picture, -1) {
		drawn = append(drawn, node[1])
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(table, -1) {
		if row[1] == "." {
			row[1] = "root"
		}
		described = append(described, regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(row[1], "_"))
	}
	require.Greater(t, len(drawn), 20)
	assert.ElementsMatch(t, drawn, described)
}

// declarations are what a file declares at its top, by name; that of a method begins with
// its type.
func declarations(t *testing.T, path string) map[string]ast.Node {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	found := map[string]ast.Node{}
	for _, declared := range file.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			found[nameOf(d)] = d
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					found[s.Name.Name] = s
				case *ast.ValueSpec:
					for _, name := range s.Names {
						found[name.Name] = s
					}
				}
			}
		}
	}
	return found
}

// nameOf is the name of a function, or that of a method's type and its own.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, _ := of.(*ast.Ident)
	return name.Name + "." + f.Name.Name
}

// calls reports whether something of that name is called in a function, or in one that it
// makes.
func calls(f *ast.FuncDecl, name string) bool {
	name = name[strings.LastIndex(name, ".")+1:]
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch of := call.Fun.(type) {
		case *ast.Ident:
			found = found || of.Name == name
		case *ast.SelectorExpr:
			found = found || of.Sel.Name == name
		}
		return true
	})
	return found
}
