package harness

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Product is which server the tests run on, as its program says it.
type Product struct {
	// Name is Vault or OpenBao.
	Name string
	// Version is without a v, such as 1.21.1.
	Version string
}

// String is the name with the version.
func (p Product) String() string { return p.Name + " " + p.Version }

// isVault reports whether it is Vault, of at least that minor version of 1; later major
// versions count as newer.
func (p Product) isVault(minor int) bool {
	var major, have int
	_, _ = fmt.Sscanf(p.Version, "%d.%d", &major, &have)
	return p.Name == vaultName && (major > 1 || have >= minor)
}

const vaultName, openBaoName = "Vault", "OpenBao"

// Running asks the server's program which product it is, once.
func Running(t testing.TB) Product {
	t.Helper()
	p, err := running()
	require.NoError(t, err)
	return p
}

var running = sync.OnceValues(askProduct) //nolint:gochecknoglobals // the tests of a process run on one server

func askProduct() (Product, error) {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, Vault(), "version").Output()
	if err != nil {
		return Product{}, fmt.Errorf("%s version: %w", Vault(), err)
	}
	return productOf(string(out))
}

// productOf reads the line that a server prints of its version.
func productOf(line string) (Product, error) {
	name, rest, _ := strings.Cut(line, " v")
	version, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	version = strings.TrimSuffix(version, ",")
	number, _, _ := strings.Cut(version, ".")
	if _, err := strconv.Atoi(number); err != nil || name != vaultName && name != openBaoName {
		return Product{}, fmt.Errorf("no server that the tests know calls itself %q", line)
	}
	return Product{name, version}, nil
}
