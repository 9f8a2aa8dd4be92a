package backend

import (
	"vault-plugin-secrets-sei/providers"
)

// Status is the health of an integration at a glance.
type Status string

// The statuses.
const (
	StatusNotChecked  Status = "not_checked"  // this auth type takes no credential here
	StatusHealthy     Status = "healthy"      // verified
	StatusExpiring    Status = "expiring"     // verified, and ends soon
	StatusDegraded    Status = "degraded"     // works in part: a token, a right or the quota is missing
	StatusUnreachable Status = "unreachable"  // the last check could not tell
	StatusNeedsReauth Status = "needs_reauth" // there is none, or the upstream says that it is bad or has ended
)

// Statuses returns all of them, the worst last.
func Statuses() []Status {
	return []Status{StatusNotChecked, StatusHealthy, StatusExpiring, StatusDegraded, StatusUnreachable, StatusNeedsReauth}
}

// StatusOf is the status that an outcome makes, of a credential or of one token.
func StatusOf(code string) Status {
	outcome := providers.Outcome(code)
	switch {
	case code == "":
		return StatusHealthy
	case outcome == providers.Rejected:
		return StatusNeedsReauth
	case outcome == providers.RateLimited:
		return StatusDegraded
	case outcome.CouldNotTell():
		return StatusUnreachable
	default:
		return StatusDegraded
	}
}

// NeedsPerson reports whether somebody must act.
func (s Status) NeedsPerson() bool { return s == StatusNeedsReauth || s == StatusDegraded }
