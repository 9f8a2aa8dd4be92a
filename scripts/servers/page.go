package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// The page says what the tests say and no more. It is made by make servers.
const above = `# Which servers it was tested on

Made by ` + "`make servers`" + ` from [compatibility.json](compatibility.json). A cell has the number of tests and cases that passed, the
number of those skipped, because the server or the machine that ran them lacks something, and the day. Below is each that
was skipped, with its reason. A suite with a failure has no cell, and a table with an empty cell is not written.

`

const below = `
**Untested** is every server that has no line here: Vault 2.x, which no module has; Vault 1.20 and what is older than
1.19, which do not build from their modules; the releases between, which were not tried; and OpenBao before 2.6. Nor
were Vault Enterprise, its namespaces and its performance standbys, nor HCP Vault. What differs between the servers is in
[install.md](install.md#which-vault).
`

// page is the table of the results. It refuses one in which a cell is empty or an expected
// server is missing.
func page(all results, expected func() ([]string, error)) (string, error) {
	required, err := expected()
	if err != nil {
		return "", err
	}
	for _, server := range required {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(have string) bool { return strings.HasPrefix(have+" ", server+" ") }) {
			return "", fmt.Errorf("there are no results of %s", server)
		}
	}
	var b strings.Builder
	b.WriteString(above + "| Server |")
	for _, s := range suites() {
		b.WriteString(" " + s.title + " |")
	}
	b.WriteString("\n|---" + strings.Repeat("|---", len(suites())) + "|\n")
	for _, server := range slices.Sorted(maps.Keys(all)) {
		line, err := row(server, all[server])
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	b.WriteString(skipped(all))
	b.WriteString(below)
	return b.String(), nil
}

func row(server string, of map[string]result) (string, error) {
	line := "| " + server + " |"
	for _, s := range suites() {
		r, ok := of[s.name]
		if !ok || r.Passed == 0 || r.Date == "" {
			return "", fmt.Errorf("%s has no result of %s", server, s.name)
		}
		cell := fmt.Sprintf("%d passed", r.Passed)
		if len(s.packages) == 0 {
			cell = "passed"
		}
		left := 0
		for _, tests := range r.Skipped {
			left += len(tests)
		}
		if left > 0 {
			cell += fmt.Sprintf(", %d skipped", left)
		}
		line += " " + cell + ", " + r.Date + " |"
	}
	return line + "\n", nil
}

// skipped lists what was skipped on each server, with the reason that the test gave.
func skipped(all results) string {
	var b strings.Builder
	for _, server := range slices.Sorted(maps.Keys(all)) {
		reasons := map[string][]string{}
		for _, r := range all[server] {
			for why, tests := range r.Skipped {
				reasons[why] = append(reasons[why], tests...)
			}
		}
		if len(reasons) == 0 {
			continue
		}
		b.WriteString("\nSkipped on " + server + ":\n\n")
		for _, why := range slices.Sorted(maps.Keys(reasons)) {
			tests := reasons[why]
			slices.Sort(tests)
			b.WriteString("- " + why + ": `" + strings.Join(slices.Compact(tests), "`, `") + "`\n")
		}
	}
	return b.String()
}

var requiredVault = regexp.MustCompile(`(?m)^(?:require)?\s+github\.com/hashicorp/vault v(\S+)`)

// expectedServers are the servers whose lines the table must have: those that the modules in
// tools/ build, and some OpenBao.
func expectedServers() ([]string, error) {
	servers := []string{"OpenBao"}
	for _, module := range []string{"tools/vault/go.mod", "tools/vault-1.19/go.mod"} {
		text, err := os.ReadFile(module) //nolint:gosec // the two above
		if err != nil {
			return nil, err
		}
		found := requiredVault.FindSubmatch(text)
		if found == nil {
			return nil, fmt.Errorf("%s does not require a Vault", module)
		}
		servers = append(servers, "Vault "+string(found[1]))
	}
	return servers, nil
}
