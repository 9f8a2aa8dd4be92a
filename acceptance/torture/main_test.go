package torture_test

import (
	"os"
	"testing"

	"vault-plugin-secrets-sei/acceptance/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
