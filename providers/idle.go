package providers

import (
	"time"
)

// Idler is implemented by providers whose upstreams end a token that nobody uses.
type Idler interface {
	// IdleLife is how long a token of the target lives without being used; 0 where it
	// does not end so. It looks at the target's url, auth type and settings only.
	IdleLife(t Target) time.Duration
}
