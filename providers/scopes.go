package providers

import (
	"regexp"
	"slices"
	"strings"
)

// scopeNames keeps of what an upstream lists only what can be the name of a
// right, sorted and once each; it is never nil. Anything else could be a text
// that must not be quoted.
func scopeNames(listed []string) []string {
	valid := regexp.MustCompile(`^[a-z][a-z0-9_:.-]{0,63}$`)
	names := []string{}
	for _, s := range listed {
		if valid.MatchString(s) {
			names = append(names, s)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hasScope is the rule of upstreams none of whose scopes includes another.
func hasScope(granted []string, want string) bool { return slices.Contains(granted, want) }

// listed splits the values of a header that is a comma-separated list.
func listed(values []string) []string {
	items := strings.Split(strings.Join(values, ","), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
