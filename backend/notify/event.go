package notify

import (
	"slices"

	"vault-plugin-secrets-sei/backend"
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
	// test is of a message that somebody asked for.
	test Event = "test"
)

// DefaultEvents are those that a target is told of that chooses none.
func DefaultEvents() []Event {
	return []Event{NeedsReauth, Degraded, Unreachable, Expiring, Recovered, RotationFailed}
}

// Events are all that a target can choose.
func Events() []Event { return append(DefaultEvents(), swaps()...) }

// swaps are the events of changes of a credential.
func swaps() []Event { return []Event{Reauth, Rotate, Rollback, Forget} }

// SwapEvent is the event of a cause, "" where nobody is told of it.
func SwapEvent(cause backend.Cause) Event {
	if e := Event(cause); slices.Contains(swaps(), e) {
		return e
	}
	return ""
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
