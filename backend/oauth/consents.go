package oauth

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/store"
)

// Consents obtains credentials that an authorization server issues, and renews them. It is
// safe for concurrent use.
type Consents struct {
	door           *credential.Door
	configurations Configurer
	mounts         credential.Mounts
	flows          *flows
	refreshes      *Refreshes
	invites        *invite.Invitations
	faults         *fault.Faults
	now            func() time.Time

	endings endings
}

// Configurer reads the configuration that an authorization is begun with.
type Configurer interface {
	// ReadExact is for a caller that acts on it.
	ReadExact(ctx context.Context, name string) (*backend.Integration, error)
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *backend.Integration) (*backend.Subject, error)
	// Siblings are the others that share its record.
	Siblings(ctx context.Context, id string, in *backend.Integration) ([]*backend.Integration, error)
}

// New returns the consents of a mount. refreshes are those that the door knows.
func New(storage logical.Storage, door *credential.Door, configurations Configurer, mounts credential.Mounts, refreshes *Refreshes, locks *store.Locks, invites *invite.Invitations, faults *fault.Faults, now func() time.Time) *Consents {
	open := store.NewTable(storage, backend.FlowsPrefix, backend.EncodeFlow, backend.DecodeFlow, nil)
	return &Consents{
		door: door, configurations: configurations, mounts: mounts, refreshes: refreshes, invites: invites, faults: faults, now: now,
		flows: &flows{table: open, locks: locks, now: now},
	}
}

// Invalidate forgets what is cached of a flow that another node changed.
func (c *Consents) Invalidate(hash string) { c.flows.table.Invalidate(hash) }
