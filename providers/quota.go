package providers

import (
	"time"
)

// Quota is what an upstream told of the quota of a token's account, beside an answer.
type Quota struct {
	// Resource is what it is of, in the upstream's words; "core" for the ordinary API.
	Resource  string
	Remaining int64
	// ResetAt is when it is full again; zero where that was not told.
	ResetAt time.Time
}
