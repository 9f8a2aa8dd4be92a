package providers

import (
	"fmt"
	"time"
)

// SlowTogether is the failure of a check for which no time was left, because those before
// it took all.
func SlowTogether(title string, limit time.Duration) *Error {
	return &Error{
		Outcome: Unreachable, Provider: title, Slow: true,
		Detail: fmt.Sprintf("the time limit of %s was over before all were checked: give checks more time with request_timeout in the mount's config", limit),
	}
}
