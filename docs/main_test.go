// Package docs_test holds the pages for people against what they are about: the specs,
// the paths, the Makefile and the tests that run their commands. Its tests read files from
// the root of the repository and import the engine as Vault does, by its factory. Begin
// with TestEveryCommandIsRunOrMarked.
package docs_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain goes to the root of the repository, from which pages name files.
func TestMain(m *testing.M) {
	if err := os.Chdir(".."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.Run()
}
