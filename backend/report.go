package backend

import (
	"time"
)

// DefaultResource is what a report is about that names none: the ordinary API.
const DefaultResource = "core"

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
