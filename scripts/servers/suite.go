package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// suite is a column of the table.
type suite struct {
	name, title string
	// packages are tests for go test, with its flags; without any, command is what runs.
	packages []string
	command  []string
}

// suites are all of them, in the order of the table.
func suites() []suite {
	return []suite{
		{name: "stories", title: "Stories, console, names, secrecy", packages: []string{"./acceptance/stories"}},
		{name: "ecosystem", title: "Installation, pages, examples, clients", packages: []string{"./acceptance/ecosystem"}},
		{name: "upgrade", title: "Plugin upgraded and rolled back under load", packages: []string{"-run=^TestUpgrade", "./acceptance/torture"}},
		{name: "torture", title: "Short torture: killed, lost, frozen, cut off", packages: []string{"-run=^TestTorture(Cluster|Frozen|Cut)?$", "./acceptance/torture"}},
		{name: "scrape", title: "What a scrape costs", packages: []string{"-run=^TestCostOfAScrape$", "./acceptance/bench"}},
		{name: "demo", title: "Demo", command: []string{"scripts/demo.sh"}},
	}
}

func chosenSuites(only string) ([]suite, error) {
	var names []string
	for _, s := range suites() {
		if s.name == only {
			return []suite{s}, nil
		}
		names = append(names, s.name)
	}
	if only != "" {
		return nil, fmt.Errorf("there is no suite %q, only %s", only, strings.Join(names, ", "))
	}
	return suites(), nil
}

// patience is how long one suite may take.
const patience = 40 * time.Minute

// run runs it on the server of a program. An error says that it did not pass.
func (s suite) run(ctx context.Context, program string) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := result{Date: time.Now().UTC().Format(time.DateOnly)}
	if len(s.packages) == 0 {
		r.Passed = 1
		return r, s.start(ctx, program, s.command)
	}
	folder, err := os.MkdirTemp("", "servers-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	command := append([]string{"go", "run", "./scripts/suite", "-record", folder, "-trimpath", "-count=1", "-timeout=25m"}, s.packages...)
	if err := s.start(ctx, program, command); err != nil {
		return r, err
	}
	ended, err := readEnded(folder)
	if err != nil {
		return r, err
	}
	r.count(ended)
	if r.Passed == 0 {
		return r, fmt.Errorf("no test of %s ran", strings.Join(s.packages, " "))
	}
	return r, nil
}

func (s suite) start(ctx context.Context, program string, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // commands of the table above
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	cmd.Env = append(os.Environ(), "VAULT_BIN="+program, "SEI_ACCEPTANCE=required", "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// ended is how a test or a case of it ended, as scripts/suite records it.
type ended struct{ Package, Test, Action, Why string }

func readEnded(folder string) ([]ended, error) {
	files, err := filepath.Glob(filepath.Join(folder, "ran-*.json"))
	if err != nil {
		return nil, err
	}
	var all []ended
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // in a folder that this made
		if err != nil {
			return nil, err
		}
		var some []ended
		if err := json.Unmarshal(text, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

var versionLine = regexp.MustCompile(`^(Vault|OpenBao) v([0-9][0-9A-Za-z.+-]*)`)

// serverOf is the name and version of a program, as it says them.
func serverOf(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", program, err)
	}
	found := versionLine.FindStringSubmatch(string(out))
	if found == nil {
		return "", fmt.Errorf("%s is no Vault and no OpenBao", program)
	}
	return found[1] + " " + found[2], nil
}
