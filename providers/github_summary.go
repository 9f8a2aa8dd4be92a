package providers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// summary describes a pool whose tokens are all good.
func summary(accounts []githubAccount) Verified {
	var v Verified
	var logins, ids []string
	for _, a := range accounts {
		v.Members = append(v.Members, a.Member)
		if !slices.Contains(ids, a.AccountID) {
			logins, ids = append(logins, a.Identity), append(ids, a.AccountID)
		}
		if end := a.ExpiresAt; !end.IsZero() && (v.ExpiresAt.IsZero() || end.Before(v.ExpiresAt)) {
			v.ExpiresAt = end
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	v.Identity, v.AccountID = strings.Join(logins, ", "), strings.Join(ids, ",")
	v.Scopes = commonScopes(v.Members)
	v.Warnings = append(lackingScopes(v.Members), sharedAccounts(v.Members)...)
	for i, a := range accounts {
		for _, w := range a.warnings {
			v.Warnings = append(v.Warnings, nameOf(i, len(accounts))+" "+w)
		}
	}
	return v
}

// commonScopes returns the scopes that every member has, nil if one does not tell.
func commonScopes(members []Member) []string {
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
		return slices.ContainsFunc(members, func(m Member) bool { return !githubCovers(m.Scopes, scope) })
	})
	return append([]string{}, common...)
}

// lackingScopes warns of classic tokens without the recommended scopes.
func lackingScopes(members []Member) []string {
	var warnings []string
	for i, m := range members {
		var missing []string
		for _, scope := range githubRecommended() {
			if m.Scopes != nil && !githubCovers(m.Scopes, scope) {
				missing = append(missing, scope)
			}
		}
		if len(missing) > 0 {
			warnings = append(warnings, fmt.Sprintf("%s lacks recommended scopes: %s", nameOf(i, len(members)), strings.Join(missing, ", ")))
		}
	}
	return warnings
}

func nameOf(i, n int) string {
	if n == 1 {
		return "the token"
	}
	return fmt.Sprintf("token %d of %d", i+1, n)
}

// sharedAccounts warns of tokens whose account is that of an earlier one: GitHub
// counts requests by user.
func sharedAccounts(members []Member) []string {
	var warnings []string
	first := make(map[string]int, len(members))
	for i, m := range members {
		if j, ok := first[m.AccountID]; ok {
			warnings = append(warnings, fmt.Sprintf("tokens %d and %d belong to the same account, %s, and share its rate limit", j+1, i+1, m.Identity))
			continue
		}
		first[m.AccountID] = i
	}
	return warnings
}
