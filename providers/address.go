package providers

import (
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// AllowedHosts is the mount's rule for which addresses may be called. The zero
// value is the default: https to any address but loopback, link-local,
// unspecified and multicast ones and those of clouds' metadata services.
type AllowedHosts = upstream.AllowedHosts

// ParseAllowedHosts reads entries of the form [scheme://]host[:port], where host
// may begin with "*." and a port left out means any. Its error names the
// entry by its position; in the rule that it returns beside the error such an entry
// matches nothing.
func ParseAllowedHosts(entries []string) (AllowedHosts, error) {
	return upstream.ParseAllowedHosts(entries)
}

// Misread says what in the text of an address different readers read differently, such
// as a letter that is not of ASCII, or returns "".
func Misread(address string) string { return upstream.Misread(address) }
