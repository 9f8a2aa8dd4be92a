//go:build !race

package layer

const race = false
