package github

import (
	"time"

	"vault-plugin-secrets-sei/providers"
)

// known is what a token of the pool was verified as, if it is in use already.
func (c githubCheck) known(i int) *providers.Member {
	if i < len(c.target.Known) {
		return c.target.Known[i]
	}
	return nil
}

// newFirst is the order in which tokens are asked about: those in use last, so that their
// limit cannot keep out a new one.
func (c githubCheck) newFirst(tokens int) []int {
	var fresh, used []int
	for i := range tokens {
		if c.known(i) == nil {
			fresh = append(fresh, i)
		} else {
			used = append(used, i)
		}
	}
	return append(fresh, used...)
}

// keepLimited takes for verified the tokens that are in use already and are limited, if at
// least one token was verified now: they were verified when they came in, and the write
// changes nothing of them. Scopes that are required meanwhile they must have all the same.
func (c githubCheck) keepLimited(accounts []githubAccount, ends []poolEnd) {
	verified := false
	for _, end := range ends {
		verified = verified || end.failure == nil
	}
	if !verified {
		return
	}
	for i, end := range ends {
		known := c.known(i)
		if known == nil || end.failure == nil || end.failure.Outcome != providers.RateLimited {
			continue
		}
		kept := *known
		kept.Kept, kept.Quotas = true, spentQuotas(end.failure, time.Now())
		accounts[i] = githubAccount{Member: kept, warnings: []string{
			"is limited and could not be asked about; it is in use already and stays as it was verified then, and the next health check asks again",
		}}
		ends[i] = poolEnd{failure: c.RequireScopes(c.target, kept.Scopes, githubCovers)}
	}
}

// spentQuotas is what a limit tells of quotas: where no header did, that nothing is left
// for as long as it says.
func spentQuotas(limit *providers.Error, now time.Time) []providers.Quota {
	for _, q := range limit.Quotas {
		if q.Remaining == 0 {
			return limit.Quotas
		}
	}
	return append(limit.Quotas, providers.Quota{Resource: "core", ResetAt: now.Add(max(limit.RetryAfter, secondaryPause))})
}
