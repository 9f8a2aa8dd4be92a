package torture_test

import (
	"fmt"
	"os"
	"testing"

	"vault-plugin-secrets-sei/acceptance/harness"
)

// done is what the tests of this program did.
var done runs //nolint:gochecknoglobals // tests add to it, and TestMain prints it at the end

func TestMain(m *testing.M) {
	code := harness.Main(m)
	fmt.Print(done.table())
	os.Exit(code)
}
