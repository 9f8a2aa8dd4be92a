package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// results has for each server and suite what passed last.
type results map[string]map[string]result

// result is a suite that passed on a server. What the server or the machine lacks is skipped,
// with a reason.
type result struct {
	Date    string
	Passed  int
	Skipped map[string][]string `json:",omitempty"`
}

// count takes tests and cases; a test that has cases counts by them.
func (r *result) count(all []ended) {
	parents := map[string]bool{}
	for _, e := range all {
		if at := strings.LastIndex(e.Test, "/"); at >= 0 {
			parents[e.Package+" "+e.Test[:at]] = true
		}
	}
	for _, e := range all {
		switch {
		case e.Action == "pass" && !parents[e.Package+" "+e.Test]:
			r.Passed++
		case e.Action == "skip":
			if r.Skipped == nil {
				r.Skipped = map[string][]string{}
			}
			r.Skipped[e.Why] = append(r.Skipped[e.Why], e.Test)
			slices.Sort(r.Skipped[e.Why])
		}
	}
}

func (r results) set(server, suite string, to result) {
	if r[server] == nil {
		r[server] = map[string]result{}
	}
	r[server][suite] = to
}

func (r results) remove(server, suite string) { delete(r[server], suite) }

func readResults(file string) (results, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
	if errors.Is(err, fs.ErrNotExist) {
		return results{}, nil
	}
	if err != nil {
		return nil, err
	}
	r := results{}
	return r, json.Unmarshal(text, &r)
}

func (r results) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644) //nolint:gosec // results for all to read
}
