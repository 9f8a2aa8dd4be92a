package layer

import (
	"os"
	"testing"
)

// Mark begins the line by which a test says what it leaves to another run of make check.
const Mark = "left to make check: "

// EnvRun is the variable in which scripts/suite gives each run a name of its own.
const EnvRun = "SEI_RUN"

// Check leaves a test to make check, and says what it would have shown: where go test
// runs with -short the test is skipped here.
func Check(t testing.TB, what string) {
	t.Helper()
	if testing.Short() {
		t.Skip(Mark + what)
	}
}

// Part reports whether a test is to do the part of it that only make check does. Where it
// is not, the test says what that would have been and goes on.
func Part(t testing.TB, what string) bool {
	t.Helper()
	if !testing.Short() {
		return true
	}
	t.Log(Mark + what)
	return false
}

// Unraced reports whether the race detector is not compiled in, which would make a part of
// a test too long, or change what it measures. Where it is, the test says so and goes on.
func Unraced(t testing.TB, what string) bool {
	t.Helper()
	if race {
		t.Log(Mark + what)
	}
	return !race
}

// NeverCached keeps Go from answering for the tests of a package with an earlier result:
// they build programs or start a server, and Go does not see what those are made of. What
// a test reads from the environment is part of its result's key, and EnvRun differs each time.
// It must be called while tests run: what TestMain reads before it runs them is not seen.
func NeverCached() { _ = os.Getenv(EnvRun) }
