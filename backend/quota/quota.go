package quota

import (
	"time"

	"vault-plugin-secrets-sei/backend"
)

const (
	// lowWater is the rest of a quota at which another token is taken.
	lowWater = 50
	// shortestReset is assumed where an upstream limits and does not say how long.
	shortestReset = time.Minute
	// longestReset is the vendors' longest window. What ends much later than that
	// (clocks differ) is no window, and its end counts as not told.
	longestReset   = time.Hour
	clockTolerance = 5 * time.Minute
	// mostRemaining is the largest quota that a vendor gives for a window.
	mostRemaining = 15_000
	// unreported is the rest of a quota of which nothing is known: more than any other.
	unreported = 1 << 40
	// overtaking is how long after a report another one of the same window may arrive that
	// was made before it.
	overtaking = 5 * time.Second
)

// Quota is what is left of an account's quota for one resource, as workers report it and
// checks find it.
type Quota struct {
	Remaining int64
	// ResetAt is when it is full again; after that nothing is known.
	ResetAt time.Time
	// known is set once somebody reported; assumed where the end of the window was not,
	// or cannot be right.
	known, assumed bool
	// pausedUntil is set where the upstream limits although the quota has a rest, or
	// does not say when it is full again.
	pausedUntil time.Time
	// at is when it was learnt.
	at time.Time
}

// newQuota bounds what was said of a quota; a zero end was not told.
func newQuota(remaining int64, resetAt, now time.Time) Quota {
	q := Quota{Remaining: min(max(remaining, 0), mostRemaining), ResetAt: resetAt, known: true, at: now}
	switch latest := now.Add(longestReset); {
	case resetAt.IsZero():
		q.ResetAt, q.assumed = now.Add(shortestReset), true
	case resetAt.After(latest):
		q.ResetAt, q.assumed = latest, resetAt.After(latest.Add(clockTolerance))
	}
	return q
}

// current reports whether the quota still says something.
func (q Quota) current(now time.Time) bool { return q.known && now.Before(q.ResetAt) }

// Spent reports whether nothing is left.
func (q Quota) Spent(now time.Time) bool { return q.left(now) <= 0 }

// FullAt is when there is something left again of a quota that is spent.
func (q Quota) FullAt(now time.Time) time.Time {
	if q.current(now) && q.Remaining <= 0 && q.ResetAt.After(q.pausedUntil) {
		return q.ResetAt
	}
	return q.pausedUntil
}

// left is what can still be used; a quota that nobody reported counts as full.
func (q Quota) left(now time.Time) int64 {
	switch {
	case now.Before(q.pausedUntil):
		return 0
	case !q.current(now):
		return unreported
	}
	return q.Remaining
}

// reported merges what was learnt next. The newest counts, so that a wrong report rules
// until the next one at most. Reports overtake each other: of two that arrive together in
// one window the lower is the newer, and one of a window that is over says nothing.
func (q Quota) reported(next Quota) Quota {
	now := next.at
	if q.pausedUntil.After(next.pausedUntil) {
		next.pausedUntil = q.pausedUntil
	}
	q.pausedUntil = next.pausedUntil
	switch {
	case !next.current(now): // a limit without figures, or late news
		return q
	case !q.current(now), q.assumed && !next.assumed:
		return next
	case next.assumed && !q.assumed:
		next.ResetAt = q.ResetAt
	}
	if q.sameWindow(next) && next.Remaining > q.Remaining && now.Before(q.at.Add(overtaking)) {
		return q
	}
	return next
}

// sameWindow reports whether two quotas are full again at the same time, but for what
// upstreams round.
func (q Quota) sameWindow(other Quota) bool {
	const skew = 5 * time.Second
	return q.ResetAt.Sub(other.ResetAt).Abs() <= skew
}

// quotaOf is what a report says of a quota, if it does.
func quotaOf(r backend.Report, now time.Time) (Quota, bool) {
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
