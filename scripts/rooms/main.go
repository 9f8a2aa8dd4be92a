// Command rooms draws which room of the plugin imports which, from the sources:
//
//	rooms PAGE
//
// It writes the picture into PAGE, between the lines "<!-- rooms -->" and "<!-- /rooms -->",
// and is run by make docs at the root of the repository. A test of this package fails where
// docs/architecture.md has another picture.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Between these lines of a page stands the picture.
const (
	begin = "<!-- rooms -->\n"
	end   = "<!-- /rooms -->"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: rooms PAGE")
	}
	had, err := os.ReadFile(args[0]) //nolint:gosec // the page that was asked for
	if err != nil {
		return err
	}
	want, err := redrawn(string(had), ".")
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(want), 0o644) //nolint:gosec // a page of the documentation
}

// redrawn is a page with the picture of the module in a folder.
func redrawn(page, root string) (string, error) {
	before, rest, opened := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		return "", fmt.Errorf("the page lacks the line %q or, after it, %q", strings.TrimSpace(begin), end)
	}
	g, err := read(root)
	if err != nil {
		return "", err
	}
	return before + begin + "\n```mermaid\n" + g.direct().draw() + "```\n\n" + end + after, nil
}
