package handout

import "time"

// retryPause is when it is worth asking again for an access token that could not be
// renewed.
const retryPause = 5 * time.Second

// Fingerprint is that of the token to use; "" where there is no credential.
func (h *Handout) Fingerprint() string {
	current := h.Record.Current
	switch {
	case current == nil:
		return ""
	case h.Member < len(current.Members):
		return current.Members[h.Member].Fingerprint
	default:
		return current.Fingerprint
	}
}

// ChangesAt is when the same read may be answered otherwise although nobody did anything:
// an access token is to be renewed or ends, a token of the pool ends or has quota again.
// It is zero where that is never, and else later than now.
func (c *Handouts) ChangesAt(out *Handout, resource string) time.Time {
	current, now := out.Record.Current, c.now()
	switch {
	case current == nil:
		return time.Time{}
	case len(current.Members) > 1:
		return c.poolChangesAt(out, resource, now)
	case current.Access == nil:
		return time.Time{}
	case !current.Access.Due(now):
		return current.Access.DueAt()
	case current.Refreshable():
		return earliestAfter(now, now.Add(retryPause), current.Access.ExpiresAt)
	default:
		return earliestAfter(now, current.Access.ExpiresAt)
	}
}

func (c *Handouts) poolChangesAt(out *Handout, resource string, now time.Time) time.Time {
	members := out.Record.Current.Members
	var moments []time.Time
	if id, err := c.ids.RecordID(out.Integration); err == nil {
		moments = c.quotas.Ends(id, out.Record.Version, members, resource)
	}
	for _, m := range members {
		moments = append(moments, m.ExpiresAt)
	}
	return earliestAfter(now, moments...)
}

// earliestAfter is the first moment after now; zero where there is none.
func earliestAfter(now time.Time, moments ...time.Time) time.Time {
	var first time.Time
	for _, at := range moments {
		if at.After(now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
