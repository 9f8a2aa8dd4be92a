//go:build race

package layer

const race = true
