package backend

import (
	"context"
)

// EventType is the name of an event in Vault's event system.
type EventType string

// The events.
const (
	EventReauth        EventType = "sei/reauth"
	EventReauthFailed  EventType = "sei/reauth-failed"
	EventHealthChanged EventType = "sei/health-changed"
	EventExpiring      EventType = "sei/expiring"
	EventRotate        EventType = "sei/rotate"
	EventRollback      EventType = "sei/rollback"
	EventInvited       EventType = "sei/invited"
)

// Event is something that automation may want to know at once. It holds no secret.
type Event struct {
	Type        EventType
	Integration string
	Provider    string
	Version     int
	Status      Status // "" where it is not about one
	Code        string // of a refusal; "" where there is none
	// DaysLeft is the threshold that an expiry crossed, 0 for other events.
	DaysLeft int
	// Fingerprint is that of the token that expires.
	Fingerprint string
	// Invitation is the accessor of one that was made.
	Invitation string
}

// Notify takes events. It must not block, and fails silently: an event that is not
// delivered changes nothing.
type Notify func(ctx context.Context, e Event)
