package backend

import "time"

// Status is the health of an integration at a glance.
type Status string

// The statuses that follow from what is stored.
const (
	StatusNotChecked  Status = "not_checked"
	StatusHealthy     Status = "healthy"
	StatusExpiring    Status = "expiring"
	StatusNeedsReauth Status = "needs_reauth"
)

// StatusAt tells the status of a record from its check and its expiry.
func (r *Record) StatusAt(now time.Time, mount *Mount) Status {
	switch {
	case r.Current == nil:
		return StatusNeedsReauth
	case r.Current.Access != nil && !r.Current.Access.RefusedAt.IsZero():
		return StatusNeedsReauth
	case r.Current.ExpiresAt.IsZero():
		return StatusHealthy
	case !now.Before(r.Current.ExpiresAt):
		return StatusNeedsReauth
	case !now.Before(r.Current.ExpiresAt.Add(-mount.ExpiryWarning)):
		return StatusExpiring
	default:
		return StatusHealthy
	}
}
