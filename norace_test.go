//go:build !race

package sei

const raceEnabled = false
