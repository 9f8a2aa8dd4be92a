package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// missing compares the records of a folder with the tests of this module and of those in
// tools/, and fails if there are tests that nobody ran. Those that were skipped for want
// of something are named, and are no failure: go test failed if they were required.
func missing(ctx context.Context, folder string) error {
	ran, err := records(folder)
	if err != nil {
		return err
	}
	modules, err := filepath.Glob("tools/*/go.mod")
	if err != nil {
		return err
	}
	var all []name
	for _, file := range append(modules, "go.mod") {
		found, err := declared(ctx, filepath.Dir(file))
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	return compare(all, ran)
}

// compare says what came of each test that is declared.
func compare(all []name, ran []outcome) error {
	how := map[name]outcome{}
	for _, o := range ran {
		if before, ok := how[o.name]; !ok || before.Left || before.Action == "skip" && !o.Left {
			how[o.name] = o
		}
	}
	var nobody []string
	for _, n := range all {
		o, ok := how[n]
		switch {
		case !ok || o.Left:
			nobody = append(nobody, n.Package+" "+n.Test)
		case o.Action == "skip":
			fmt.Printf("skipped: %s %s: %s\n", n.Package, n.Test, o.Why)
		}
	}
	if len(nobody) > 0 {
		return fmt.Errorf("nobody ran these tests, or all of them:\n  %s", strings.Join(nobody, "\n  "))
	}
	fmt.Printf("%d tests are declared, and each was run or skipped for a reason.\n", len(all))
	return nil
}

func records(folder string) ([]outcome, error) {
	files, err := filepath.Glob(filepath.Join(folder, "ran-*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("there are no records in " + folder)
	}
	var all []outcome
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // whoever calls it says which
		if err != nil {
			return nil, err
		}
		var some []outcome
		if err := json.Unmarshal(data, &some); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// pack is what go list says of a package.
type pack struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
}

// declared returns the tests, fuzz targets and examples of the module in a folder, as
// they are in the sources that this machine compiles.
func declared(ctx context.Context, folder string) ([]name, error) {
	if has, err := hasSources(folder); err != nil || !has {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-e", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir, cmd.Env, cmd.Stderr = folder, append(os.Environ(), "GOWORK=off"), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []name
	for lines := json.NewDecoder(bytes.NewReader(out)); lines.More(); {
		var p pack
		if err := lines.Decode(&p); err != nil {
			return nil, err
		}
		for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
			names, err := testsIn(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			for _, test := range names {
				all = append(all, name{p.ImportPath, test})
			}
		}
	}
	return all, nil
}

// hasSources reports whether a module has a Go file. One that only pins the version of a
// program has none, and go list warns of it.
func hasSources(folder string) (bool, error) {
	found := false
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			found, err = true, fs.SkipAll
		}
		return err
	})
	return found, err
}

// testsIn returns the names that go test would run from a file.
func testsIn(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv == nil && f.Name.Name != "TestMain" && (isTest(f.Name.Name, "Test") || isTest(f.Name.Name, "Fuzz")) {
			all = append(all, f.Name.Name)
		}
	}
	for _, example := range doc.Examples(file) {
		if example.Output != "" || example.EmptyOutput {
			all = append(all, "Example"+example.Name)
		}
	}
	return all, nil
}

// isTest is go test's own rule: what follows the prefix is no small letter.
func isTest(function, prefix string) bool {
	rest, ok := strings.CutPrefix(function, prefix)
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && (rest == "" || !unicode.IsLower(first))
}
