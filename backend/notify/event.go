package notify

import (
	"slices"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Event is what a message tells of.
type Event string

// The events.
const (
	NeedsReauth    Event = "needs_reauth"
	Degraded       Event = "degraded"
	Unreachable    Event = "unreachable"
	Expiring       Event = "expiring"
	Recovered      Event = "recovered"
	RotationFailed Event = "rotation_failed"
	Reauth         Event = "reauth"
	Rotate         Event = "rotate"
	Rollback       Event = "rollback"
	Forget         Event = "forget"
	Invited        Event = "invited"
	// test is of a message that somebody asked for.
	test Event = "test"
)

// DefaultEvents are those that a target is told of that chooses none.
func DefaultEvents() []Event {
	return []Event{NeedsReauth, Degraded, Unreachable, Expiring, Recovered, RotationFailed}
}

// Events are all that a target can choose.
func Events() []Event { return append(DefaultEvents(), swaps()...) }

// swaps are the events of changes of a credential, and of an invitation to make one.
func swaps() []Event { return []Event{Reauth, Rotate, Rollback, Forget, Invited} }

// SwapEvent is the event of a cause, "" where nobody is told of it.
func SwapEvent(cause backend.Cause) Event {
	if e := Event(cause); e != Invited && slices.Contains(swaps(), e) {
		return e
	}
	return ""
}

// needsPerson reports whether a person can help with a new credential: not where the one in
// use is good and something else is in the way.
func needsPerson(e Event, code string) bool {
	switch e {
	case NeedsReauth, Expiring, RotationFailed:
		return true
	case Degraded:
		return !goodAsItIs(providers.Outcome(code))
	case Unreachable, Recovered, Reauth, Rotate, Rollback, Forget, Invited, test:
	}
	return false
}

// goodAsItIs reports whether a credential that works only in part is good itself.
func goodAsItIs(why providers.Outcome) bool {
	switch why {
	case providers.RateLimited, providers.SSORequired, providers.CaptchaRequired, providers.AccountBlocked:
		return true
	default:
		return false
	}
}

// bad is the event of a status that somebody wants to know, "" for one that is well.
func bad(status backend.Status) Event {
	switch status {
	case backend.StatusNeedsReauth, backend.StatusDegraded, backend.StatusUnreachable, backend.StatusExpiring:
		return Event(status)
	case backend.StatusHealthy, backend.StatusNotChecked:
	}
	return ""
}
