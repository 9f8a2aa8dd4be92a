package providers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// poolParallel is how many tokens of a pool are checked at a time.
const poolParallel = 4

// pool checks all tokens; one bad token fails the whole check.
func (c githubCheck) pool(ctx context.Context, tokens []Secret, email string) (Verified, *Error) {
	if err := c.distinct(tokens); err != nil {
		return Verified{}, err
	}
	accounts := make([]githubAccount, len(tokens))
	failures := make([]*Error, len(tokens))
	each(len(tokens), poolParallel, func(i int) {
		accounts[i], failures[i] = c.token(ctx, tokens[i])
	})
	if err := firstBad(failures); err != nil {
		return Verified{}, err
	}
	v := summary(accounts)
	warning, err := c.compareEmail(accounts, email)
	if err != nil {
		return Verified{}, err
	}
	if warning != "" {
		v.Warnings = append(v.Warnings, warning)
	}
	return v, nil
}

// each calls do for 0 to n-1, at most limit at a time, and waits for all.
func each(n, limit int, do func(int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// distinct refuses an empty pool and a token that occurs twice.
func (c githubCheck) distinct(tokens []Secret) *Error {
	if len(tokens) == 0 {
		return c.invalid(githubPAT, "%s has no token", githubPAT)
	}
	seen := make(map[string]int, len(tokens))
	for i, t := range tokens {
		if first, ok := seen[t.Reveal()]; ok {
			return c.invalid(githubPAT, "tokens %d and %d are the same", first, i+1)
		}
		seen[t.Reveal()] = i + 1
	}
	return nil
}

// firstBad returns the failure of the first bad token, which lists all of them.
func firstBad(failures []*Error) *Error {
	var first *Error
	var bad []BadMember
	for i, f := range failures {
		if f == nil {
			continue
		}
		bad = append(bad, BadMember{Position: i + 1, Outcome: f.Outcome})
		if first == nil {
			first = f
			if len(failures) > 1 {
				first.Detail = fmt.Sprintf("token %d of %d: %s", i+1, len(failures), f.Detail)
			}
		}
	}
	if first != nil && len(failures) > 1 {
		first.Bad = bad
		if len(bad) > 1 {
			first.Detail += fmt.Sprintf("; %d of the tokens failed", len(bad))
		}
	}
	return first
}

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

// compareEmail checks the optional e-mail address. GitHub shows public addresses
// only, so silence proves nothing.
func (c githubCheck) compareEmail(accounts []githubAccount, email string) (warning string, _ *Error) {
	if email == "" {
		return "", nil
	}
	told := false
	for _, a := range accounts {
		if strings.EqualFold(a.email, email) {
			return "", nil
		}
		told = told || a.email != ""
	}
	if !told {
		return "GitHub does not show the account's e-mail address, so the one entered could not be compared", nil
	}
	e := c.fail(IdentityMismatch, "the e-mail address entered is not the public one of the token's account; correct it or leave email out")
	e.Fields = []string{githubEmail}
	return "", e
}
