package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/internal/layer"
)

// event is a line of go test -json.
type event struct {
	Action, Package, Test, Output string
}

// name is a test of a package; Test is "" for what the package itself says.
type name struct{ Package, Test string }

// outcome is how a test ended: pass, fail or skip, and for a skip why. Left says that it, or
// a case of it, left something to another run.
type outcome struct {
	name

	Action, Why string
	Left        bool
}

// report prints what go test says as it comes, and keeps how each test ended.
type report struct {
	out io.Writer
	// verbose prints all that the tests print, else only what those do that fail.
	verbose bool
	said    map[name][]string // of the tests that run
	ended   []outcome
	// left are the tests that leave something to make check, by what it is.
	left map[string][]string
	// leaving are the tests that do, without their cases.
	leaving map[name]bool
}

func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, said: map[name][]string{}, left: map[string][]string{}, leaving: map[name]bool{}}
}

// read takes the lines of go test -json until there are no more.
func (r *report) read(lines io.Reader) error {
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) != nil {
			r.print(string(line)) // not every line is JSON
		} else {
			r.take(e)
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

func (r *report) print(text string) { _, _ = io.WriteString(r.out, text) }

func (r *report) take(e event) {
	n := name{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		r.print(e.Output)
	case "output":
		r.heard(n, e.Output)
	case "pass", "fail", "skip":
		r.end(n, e.Action)
	}
}

func (r *report) heard(n name, text string) {
	if r.verbose || n.Test == "" && spoken(text) {
		r.print(text)
	}
	if n.Test != "" {
		r.said[n] = append(r.said[n], text)
	}
	if _, what, ok := strings.Cut(text, layer.Mark); ok {
		what = strings.TrimSpace(what)
		r.left[what] = append(r.left[what], n.Test)
		test, _, _ := strings.Cut(n.Test, "/")
		r.leaving[name{n.Package, test}] = true
	}
}

// spoken reports whether what a package says is worth a line.
func spoken(text string) bool {
	return text != "PASS\n" && text != "testing: warning: no tests to run\n" && !strings.Contains(text, "[no test files]")
}

func (r *report) end(n name, action string) {
	if n.Test == "" {
		r.endPackage(n.Package, action)
		return
	}
	said := r.said[n]
	delete(r.said, n)
	if action == "fail" && !r.verbose {
		r.print(strings.Join(said, ""))
	}
	why := ""
	if action == "skip" {
		why = reason(said)
	}
	r.ended = append(r.ended, outcome{n, action, why, r.leaving[n]})
}

// endPackage prints what tests said that never ended, because the process did.
func (r *report) endPackage(pkg, action string) {
	for _, n := range slices.SortedFunc(maps.Keys(r.said), func(a, b name) int { return strings.Compare(a.Test, b.Test) }) {
		if n.Package != pkg {
			continue
		}
		if action == "fail" && !r.verbose {
			r.print(strings.Join(r.said[n], ""))
		}
		delete(r.said, n)
	}
}

// reason is what a skipped test said, without the file and the line.
func reason(said []string) string {
	for _, text := range said {
		if _, why, ok := strings.Cut(strings.TrimSpace(text), ": "); ok && !strings.HasPrefix(text, "===") && !strings.HasPrefix(strings.TrimSpace(text), "---") {
			return why
		}
	}
	return ""
}

// conclude says how much ran, and what did not. What is recorded is a part of make check.
func (r *report) conclude(recorded bool) {
	tests, cases, skipped := 0, 0, map[string][]string{}
	for _, o := range r.ended {
		switch {
		case o.Action == "skip" && !strings.HasPrefix(o.Why, layer.Mark):
			skipped[o.Why] = append(skipped[o.Why], o.Test)
		case o.Action == "skip":
		case strings.Contains(o.Test, "/"):
			cases++
		default:
			tests++
		}
	}
	r.print(fmt.Sprintf("\n%d tests with %d cases ran.\n", tests, cases))
	r.list("Skipped:", skipped)
	title := "Left to make check:"
	if recorded {
		title = "Left to another run of make check:"
	}
	r.list(title, r.left)
}

func (r *report) list(title string, tests map[string][]string) {
	if len(tests) == 0 {
		return
	}
	r.print(title + "\n")
	for _, why := range slices.Sorted(maps.Keys(tests)) {
		r.print(fmt.Sprintf("  %s (%s)\n", why, strings.Join(few(tests[why]), ", ")))
	}
}

// few sorts names; of many cases it names only the tests that they belong to.
func few(names []string) []string {
	names = slices.Sorted(slices.Values(names))
	if len(names) > 3 {
		for i, test := range names {
			names[i], _, _ = strings.Cut(test, "/")
		}
	}
	return slices.Compact(names)
}

// record keeps in a new file of the folder how each test ended.
func (r *report) record(folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil { //nolint:gosec // whoever calls it says which
		return err
	}
	file, err := os.CreateTemp(folder, "ran-*.json")
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return json.NewEncoder(file).Encode(r.ended)
}
