package backend

import (
	"time"
)

// Report is what a worker saw of a token.
type Report struct {
	Fingerprint string
	// StatusCode is the status that the upstream answered with; 0 where not told.
	StatusCode int64
	// Remaining is what is left of the quota; nil where not told.
	Remaining *int64
	// ResetAt is when the quota is full again; zero where not told.
	ResetAt time.Time
	// Resource is what the quota is of: REST and GraphQL count apart.
	Resource string
}

// Refused reports whether the upstream did not take the token.
func (r Report) Refused() bool { return r.StatusCode == 401 }

// Spent reports whether the upstream said that nothing is left of the ordinary quota,
// which a check that asks about the token tells for sure.
func (r Report) Spent() bool {
	told := r.Remaining != nil && *r.Remaining <= 0 || r.Remaining == nil && r.StatusCode == 429 && !r.ResetAt.IsZero()
	return told && r.Resource == DefaultResource
}

// quota is what the report says of a quota, if it does.
func (r Report) quota(now time.Time) (Quota, bool) {
	limited := r.StatusCode == 429
	if r.Remaining == nil && !limited {
		return Quota{}, false
	}
	if r.Remaining == nil && r.ResetAt.IsZero() {
		// A limit without any number says nothing of the quota that others reported.
		return Quota{pausedUntil: now.Add(shortestReset), at: now}, true
	}
	var remaining int64
	if r.Remaining != nil {
		remaining = *r.Remaining
	}
	q := newQuota(remaining, r.ResetAt, now)
	if limited && (r.ResetAt.IsZero() || remaining > 0) {
		q.pausedUntil = now.Add(shortestReset)
	}
	return q, true
}
