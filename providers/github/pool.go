package github

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"vault-plugin-secrets-sei/providers"
)

const (
	// poolParallel is how many tokens of a pool are checked at a time.
	poolParallel = 4
	// poolRequests is how many requests the check of a pool may need. More would only
	// end at the time limit, or at that of GitHub.
	poolRequests = 2000
)

// pool checks all tokens, new ones first; one bad token fails the whole check. Once GitHub
// limits the rate of a new one, the remaining ones are not asked about: that would only
// lengthen the limit. One that is in use already and is limited stays what it was verified
// as, if another one is verified now.
func (c githubCheck) pool(ctx context.Context, tokens []providers.Secret, email string) (providers.Verified, *providers.Error) {
	if err := c.distinct(tokens); err != nil {
		return providers.Verified{}, err
	}
	if err := c.affordable(len(tokens)); err != nil {
		return providers.Verified{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stopped atomic.Bool
	c.stop = func() {
		stopped.Store(true)
		cancel()
	}
	accounts := make([]githubAccount, len(tokens))
	ends := make([]poolEnd, len(tokens))
	order := c.newFirst(len(tokens))
	each(len(tokens), poolParallel, func(n int) {
		i, own := order[n], c
		if own.known(i) != nil {
			own.stop = func() {}
		}
		var err *providers.Error
		accounts[i], err = own.token(ctx, tokens[i])
		ends[i] = poolEnd{err, err != nil && err.Outcome == providers.Unreachable && (err.Slow || stopped.Load())}
	})
	c.keepLimited(accounts, ends)
	if err := leading(ends); err != nil {
		return learnt(accounts, err), err
	}
	v := summary(accounts)
	warning, err := c.compareEmail(accounts, email)
	if err != nil {
		return providers.Verified{}, err
	}
	if warning != "" {
		v.Warnings = append(v.Warnings, warning)
	}
	return v, nil
}

// learnt is what GitHub told of a token that works and does not suffice; nothing of
// several, of which one cannot say which of them is meant.
func learnt(accounts []githubAccount, failure *providers.Error) providers.Verified {
	if len(accounts) != 1 || accounts[0].AccountID == "" || failure.Outcome != providers.InsufficientScope {
		return providers.Verified{}
	}
	return summary(accounts)
}

// each calls do for 0 to n-1, at most limit at a time, and waits for all. If one
// panics, each does: nobody can recover in the goroutine of another.
func each(n, limit int, do func(int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, limit)
	panics := make(chan any, n)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() {
				if cause := recover(); cause != nil {
					panics <- cause
				}
				<-slots
			}()
			do(i)
		})
	}
	wg.Wait()
	select {
	case cause := <-panics:
		panic(cause)
	default:
	}
}

// distinct refuses an empty pool and a token that occurs twice.
func (c githubCheck) distinct(tokens []providers.Secret) *providers.Error {
	if len(tokens) == 0 {
		return c.Invalid(githubPAT, "%s has no token", githubPAT)
	}
	seen := make(map[string]int, len(tokens))
	for i, t := range tokens {
		if first, ok := seen[t.Reveal()]; ok {
			return c.Invalid(githubPAT, "tokens %d and %d are the same", first, i+1)
		}
		seen[t.Reveal()] = i + 1
	}
	return nil
}

// affordable refuses more tokens and organisations than one check can ask about.
func (c githubCheck) affordable(tokens int) *providers.Error {
	requests := tokens
	if len(c.orgs) > 0 {
		each := 2 // the organisation and the membership
		if c.actions {
			each += 3 // two lists of repositories, and the runs
		}
		requests += tokens * (1 + each*len(c.orgs))
	}
	if requests <= poolRequests {
		return nil
	}
	e := c.Invalid(githubPAT, "%d tokens and %d organisations need up to %d requests, and a check makes %d at most; use fewer tokens, or spread the organisations over several integrations",
		tokens, len(c.orgs), requests, poolRequests)
	e.Fields = append(e.Fields, githubOrganizations)
	return e
}

// poolEnd is how the check of one token of a pool ended.
type poolEnd struct {
	failure *providers.Error
	// unasked is set where it was broken off because of another token.
	unasked bool
}

// rank orders failures by how much they say of the token.
func (e poolEnd) rank() int {
	switch {
	case e.unasked:
		return 2
	case e.failure.CouldNotTell():
		return 1
	}
	return 0
}

// leading returns the failure that the pool's is, nil if all tokens are good: the
// first that says something of a token, or else the first. It lists all of them.
func leading(ends []poolEnd) *providers.Error {
	lead, unasked := -1, 0
	var bad []providers.BadMember
	for i, end := range ends {
		if end.failure == nil {
			continue
		}
		if lead < 0 || end.rank() < ends[lead].rank() {
			lead = i
		}
		if end.unasked {
			unasked++
			continue
		}
		bad = append(bad, providers.BadMember{Position: i + 1, Outcome: end.failure.Outcome, Unjudged: end.failure.Unjudged})
	}
	if lead < 0 {
		return nil
	}
	e := ends[lead].failure
	if len(ends) == 1 {
		return e
	}
	e.Bad = bad
	if e.Slow {
		e.Detail += fmt.Sprintf("; of %d tokens, %d were not checked to the end", len(ends), unasked)
		return e
	}
	e.Detail = fmt.Sprintf("token %d of %d: %s", lead+1, len(ends), e.Detail)
	if len(bad) > 1 {
		e.Detail += fmt.Sprintf("; %d tokens failed their check", len(bad))
	}
	if unasked > 0 {
		e.Detail += fmt.Sprintf("; tokens not asked about: %d", unasked)
	}
	return e
}

// compareEmail checks the optional e-mail address, which is to be that of one account.
// GitHub shows public addresses only, so the silence of one leaves it open.
func (c githubCheck) compareEmail(accounts []githubAccount, email string) (warning string, _ *providers.Error) {
	if email == "" {
		return "", nil
	}
	silent := false
	for _, a := range accounts {
		if strings.EqualFold(a.email, email) {
			return "", nil
		}
		silent = silent || a.email == ""
	}
	switch {
	case silent && len(accounts) == 1:
		return "GitHub does not show the account's e-mail address, so the one entered could not be compared", nil
	case silent:
		return "GitHub does not show the e-mail addresses of all accounts, and the one entered is not among those that it shows, so it could not be compared", nil
	}
	e := c.Fail(providers.IdentityMismatch, "the e-mail address entered is not the public one of the token's account; correct it or leave email out")
	e.Fields = []string{githubEmail}
	return "", e
}
