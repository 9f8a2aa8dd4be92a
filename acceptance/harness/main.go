package harness

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-sei/acceptance/harness/evidence"
)

// The tests learn these from the environment, where TestMain puts them.
const (
	envVault   = "VAULT_BIN"
	envPlugins = "SEI_PLUGINS"
)

// setUpLimit bounds what happens before the first test, which may be the build of
// a server.
const setUpLimit = 15 * time.Minute

// The two names of the plugin.
const (
	PluginName  = "vault-plugin-secrets-sei" // of the program
	CatalogName = "sei"                      // under which it is registered, and so the type of its mounts
)

// Main runs the tests of a package, as its TestMain, and returns the exit code: it finds
// the server, builds the plugin, and at the end judges what the servers left behind.
func Main(m *testing.M) int {
	if os.Getenv(envGuard) != "" {
		return guard(os.Args[1:])
	}
	flag.Bool("update", false, "write the golden files anew")
	flag.Parse()
	if err := waitSideBySide(); err != nil {
		fmt.Println(err)
		return 1
	}
	return run(m)
}

// waitSideBySide runs more tests at a time than there are processors, unless -parallel says
// how many: most of the time they wait for servers. Another package may do so beside this one.
func waitSideBySide() error {
	const perProcessor, packages = 3, 2
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(max(2, perProcessor*runtime.GOMAXPROCS(0)/packages)))
}

func run(m *testing.M) int {
	required := os.Getenv("SEI_ACCEPTANCE") == "required"
	ctx, cancel := context.WithTimeout(context.Background(), setUpLimit)
	defer cancel()
	server, err := findVault(ctx, required)
	if err != nil && !required {
		// The second line is what makes go test write "[no tests to run]".
		fmt.Println("acceptance tests skipped: no Vault server found; make test builds one")
		fmt.Println("testing: warning: no tests to run")
		return 0
	}
	if err != nil {
		fmt.Println("acceptance tests cannot run:", err)
		return 1
	}
	plugins, err := BuildPlugin(ctx, PluginVersion)
	defer func() { _ = os.RemoveAll(plugins) }()
	if err != nil {
		fmt.Println("acceptance tests cannot run:", err)
		return 1
	}
	kept, err := evidence.New()
	err = errors.Join(err, os.Setenv(envVault, server), os.Setenv(envPlugins, plugins))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return kept.Close(m.Run())
}

// Vault is the path of the server's program, which is the CLI as well.
func Vault() string { return os.Getenv(envVault) }

// Plugins is the folder that holds the built plugin and nothing else. A test that
// writes into it makes itself one with OwnPlugins.
func Plugins() string { return os.Getenv(envPlugins) }

func findVault(ctx context.Context, build bool) (string, error) {
	args := []string{"--find"}
	if build {
		args = nil
	}
	// Of packages that run side by side only the first one builds a server.
	unlock, err := lock(inRepository(builds + "/server.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	cmd := exec.CommandContext(ctx, inRepository("scripts/vault.sh"), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("scripts/vault.sh: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
