package github

import (
	"fmt"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// summary describes a pool whose tokens are all good.
func summary(accounts []githubAccount) providers.Verified {
	members := make([]providers.Member, 0, len(accounts))
	for _, a := range accounts {
		members = append(members, a.Member)
	}
	v := providers.SumOf(github{}, members)
	v.Warnings = append(lackingScopes(v.Members), sharedAccounts(v.Members)...)
	for i, a := range accounts {
		for _, w := range a.warnings {
			v.Warnings = append(v.Warnings, nameOf(i, len(accounts))+" "+w)
		}
	}
	return v
}

// lackingScopes warns of classic tokens without the recommended scopes.
func lackingScopes(members []providers.Member) []string {
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
func sharedAccounts(members []providers.Member) []string {
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
