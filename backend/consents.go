package backend

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// Consents obtains credentials that an authorization server issues, and renews them. It is
// safe for concurrent use.
type Consents struct {
	door           *Door
	configurations Configurer
	mounts         Mounts
	flows          *flows
	refreshes      *refreshes
	faults         *faults
	now            func() time.Time

	endings endings
}

// Configurer reads the configuration that an authorization is begun with.
type Configurer interface {
	// ReadExact is for whoever acts on what it says.
	ReadExact(ctx context.Context, name string) (*Integration, error)
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *Integration) (*Subject, error)
}

// newConsents returns the consents of a mount. refreshes are those that the door knows.
func newConsents(storage logical.Storage, door *Door, configurations Configurer, mounts Mounts, refreshes *refreshes, locks *locks, faults *faults, now func() time.Time) *Consents {
	open := newTable(storage, flowsPrefix, encodeFlow, decodeFlow, nil)
	return &Consents{
		door: door, configurations: configurations, mounts: mounts, refreshes: refreshes, faults: faults, now: now,
		flows: &flows{table: open, locks: locks, now: now},
	}
}

// Invalidate forgets what is cached of a flow that another node changed.
func (c *Consents) Invalidate(hash string) { c.flows.table.invalidate(hash) }
