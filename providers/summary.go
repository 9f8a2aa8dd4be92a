package providers

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Coverer is implemented by providers of whose scopes some include others.
type Coverer interface {
	// Covers reports whether granted has want, itself or inside a scope that includes it.
	Covers(granted []string, want string) bool
}

// SumOf is what the tokens of a pool of p come to: Verified without warnings. Each account
// is named once, the end is the first of theirs, and the scopes are those that every token
// has.
func SumOf(p Provider, members []Member) Verified {
	if c, ok := p.(Coverer); ok {
		return sumOf(members, c.Covers)
	}
	return sumOf(members, slices.Contains[[]string])
}

func sumOf(members []Member, covers func(granted []string, want string) bool) Verified {
	v := Verified{Members: members, NoEnd: len(members) > 0}
	var names, ids []string
	for _, m := range members {
		if !slices.Contains(ids, m.AccountID) {
			names, ids = append(names, m.Identity), append(ids, m.AccountID)
		}
		v.NoEnd = v.NoEnd && m.NoEnd
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	v.Identity, v.AccountID = strings.Join(names, ", "), strings.Join(ids, ",")
	v.Scopes, v.ExpiresAt = commonScopes(members, covers), FirstEnd(members)
	return v
}

// FirstEnd is the first of the ends of a pool's tokens; zero where none has one.
func FirstEnd(members []Member) (first time.Time) {
	for _, m := range members {
		if !m.ExpiresAt.IsZero() && (first.IsZero() || m.ExpiresAt.Before(first)) {
			first = m.ExpiresAt
		}
	}
	return first
}

// commonScopes returns the scopes that every member has, nil if one does not tell.
func commonScopes(members []Member, covers func(granted []string, want string) bool) []string {
	var common []string
	for _, m := range members {
		if m.Scopes == nil {
			return nil
		}
		common = append(common, m.Scopes...)
	}
	slices.Sort(common)
	common = slices.Compact(common)
	common = slices.DeleteFunc(common, func(scope string) bool {
		return slices.ContainsFunc(members, func(m Member) bool { return !covers(m.Scopes, scope) })
	})
	return append([]string{}, common...)
}
