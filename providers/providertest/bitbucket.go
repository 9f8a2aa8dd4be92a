package providertest

import (
	"strings"
)

// MadeUpGUID forms 32 digits of a sum.
func MadeUpGUID(sum string) string {
	return strings.Join([]string{sum[:8], sum[8:12], sum[12:16], sum[16:20], sum[20:32]}, "-")
}
