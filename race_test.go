//go:build race

package sei

// raceEnabled reports whether the race detector is compiled in, which allocates and
// takes ten times as long.
const raceEnabled = true
