// Package layer divides the tests: make test runs most of them in a few minutes, before
// every commit, and make check runs them all. A test that takes long, or that needs what
// not every machine has, says by Check or Part that it is left to make check, and what it
// would have shown; make test tells so at its end (scripts/suite). What the race detector
// would spoil says so by Unraced. make check fails if none of its runs did a test whole.
//
// The package imports nothing of the engine. Begin with [Check].
//
// Nothing else may make a test depend on testing.Short, or on the race detector.
package layer
