package notify

import (
	"context"
	"time"

	"vault-plugin-secrets-sei/backend"
)

// Subject is what is so of an integration. It holds no secret. Values are immutable.
type Subject struct {
	Name, Provider string
	// ID tells integrations of the same name apart, of which one was deleted.
	ID     string
	Labels map[string]string
	// Status, Code, Message, Since and ExpiresAt are its health.
	Status        backend.Status
	Code, Message string
	Since         time.Time
	ExpiresAt     time.Time
	Version       int
	Identity      string
	Fingerprint   string
	// Consent is set where a person re-authenticates in a browser.
	Consent bool
	// Trouble is why the credential is not rotated by itself; nil where it is.
	Trouble *Trouble
	// Swaps are the changes of its credential, newest first.
	Swaps []Swap
}

// Trouble is a rotation by itself that failed.
type Trouble struct {
	Code, Message string
	Since         time.Time
}

// Swap is a change of a credential.
type Swap struct {
	Event   Event
	Time    time.Time
	Version int
}

// Subjects knows what is so. It asks no upstream.
type Subjects interface {
	// All returns all integrations that can be judged.
	All(ctx context.Context) ([]*Subject, error)
	// One returns one, nil if there is none of that name.
	One(ctx context.Context, name string) (*Subject, error)
	// Names returns the names of all that are configured, also of those that All leaves out.
	Names(ctx context.Context) ([]string, error)
}
