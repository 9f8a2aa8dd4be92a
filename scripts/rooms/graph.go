package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// command is the room that the plugin begins in. What it does not import, directly or through
// others, is not in the plugin and not in the picture.
const command = "cmd/vault-plugin-secrets-sei"

// upstreams is the room that stands for all folders with one upstream each.
const upstreams = "providers/each upstream"

// graph says of each room which others it imports, by their folders; the root is ".".
type graph map[string]map[string]bool

// read reads the rooms of the module in a folder.
func read(root string) (graph, error) {
	data, err := os.ReadFile(filepath.Join(root, "go.mod")) //nolint:gosec // the module that was asked for
	if err != nil {
		return nil, err
	}
	module := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(data)
	if module == nil {
		return nil, errors.New("go.mod names no module")
	}
	g := graph{}
	return g, g.add(root, string(module[1]), command)
}

// add adds a room, and those that it imports.
func (g graph) add(root, module, folder string) error {
	room := roomOf(root, folder)
	if g[room] == nil {
		g[room] = map[string]bool{}
	}
	imported, err := importsOf(root, module, folder)
	if err != nil {
		return err
	}
	for _, other := range imported {
		if to := roomOf(root, other); to != room {
			g[room][to] = true
		}
		// Of an upstream the other ones still have to be read.
		if g[other] == nil {
			if err := g.add(root, module, other); err != nil {
				return err
			}
		}
	}
	return nil
}

// roomOf is the room of a folder. An upstream is known by its fake beside it.
func roomOf(root, folder string) string {
	if path.Dir(folder) != "providers" || folder == "providers/catalog" {
		return folder
	}
	fake := filepath.Join(root, folder, path.Base(folder)+"test")
	if info, err := os.Stat(fake); err == nil && info.IsDir() {
		return upstreams
	}
	return folder
}

// importsOf returns the folders of the module that the package in a folder imports, tests
// not counted.
func importsOf(root, module, folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, spec := range parsed.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if name == module {
				found["."] = true
			} else if other, ok := strings.CutPrefix(name, module+"/"); ok {
				found[other] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// direct leaves out each arrow that follows from others.
func (g graph) direct() graph {
	short := graph{}
	for from, all := range g {
		short[from] = map[string]bool{}
		for to := range all {
			implied := false
			for by := range all {
				implied = implied || by != to && g.reaches(by, to)
			}
			if !implied {
				short[from][to] = true
			}
		}
	}
	return short
}

// reaches reports whether a room imports another, directly or through others.
func (g graph) reaches(from, to string) bool {
	for next := range g[from] {
		if next == to || g.reaches(next, to) {
			return true
		}
	}
	return false
}

// draw writes the graph in the language of Mermaid. Rooms of one folder stand together.
func (g graph) draw() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	inside := map[string][]string{}
	for _, room := range slices.Sorted(maps.Keys(g)) {
		top, _, _ := strings.Cut(room, "/")
		inside[top] = append(inside[top], room)
	}
	for _, top := range slices.Sorted(maps.Keys(inside)) {
		rooms := inside[top]
		if len(rooms) == 1 {
			fmt.Fprintf(&b, "  %s\n", node(rooms[0]))
			continue
		}
		fmt.Fprintf(&b, "  subgraph in_%s [\"%s/\"]\n", id(top), top)
		for _, room := range rooms {
			fmt.Fprintf(&b, "    %s\n", node(room))
		}
		b.WriteString("  end\n")
	}
	for _, from := range slices.Sorted(maps.Keys(g)) {
		for _, to := range slices.Sorted(maps.Keys(g[from])) {
			fmt.Fprintf(&b, "  %s --> %s\n", id(from), id(to))
		}
	}
	return b.String()
}

func node(room string) string {
	if room == "." {
		return id(room) + `["the root, package sei"]`
	}
	_, below, inside := strings.Cut(room, "/")
	if !inside || room == command {
		below = room
	}
	return fmt.Sprintf("%s[%q]", id(room), below)
}

// id is a name that Mermaid takes for a node, whatever is in a folder's.
func id(room string) string {
	if room == "." {
		return "root"
	}
	return regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(room, "_")
}
