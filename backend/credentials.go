package backend

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Credentials checks, swaps, hands out and forgets credentials. It can read
// configuration and has no way to write it. It is safe for concurrent use;
// changes of one record are serialised, readers never wait for them.
type Credentials struct {
	integrations reader
	records      *table[Record]
	mount        *MountSettings
	marks        *fingerprints
	locks        *locks
	flows        *flows
	refreshes    *refreshes
	endings      *endings
	pools        *pools
	lessons      *lessons
	findings     *findings // of pools, to know which tokens work
	faults       *faults
	pending      *table[Pending] // rotations under way
	now          func() time.Time
	journal      TellSwap // nil for nobody
}

// reader is all that the swap may do with configuration.
type reader interface {
	// Read is for readers, readExact for whoever acts on what it says.
	Read(ctx context.Context, name string) (*Integration, error)
	readExact(ctx context.Context, name string) (*Integration, error)
	Provider(in *Integration) (providers.Provider, error)
	// home stands for where a credential of the integration is sent.
	home(in *Integration) string
	// houses reports whether a credential of it was checked there.
	houses(in *Integration, s *Stored) bool
	// recordID is the key of the integration's credential record.
	recordID(in *Integration) (string, error)
	// siblings are the others that share it; they must agree with in about where
	// the credential is sent.
	siblings(ctx context.Context, id string, in *Integration) ([]*Integration, error)
}

// readOnly hides from the swap that configuration can be written.
type readOnly struct {
	integrations *Integrations
	groups       *groups
}

var _ reader = (*readOnly)(nil)

func (r *readOnly) Read(ctx context.Context, name string) (*Integration, error) {
	return r.integrations.Read(ctx, name)
}

func (r *readOnly) readExact(ctx context.Context, name string) (*Integration, error) {
	return known(name)(r.groups.integrations.loadExact(ctx, name))
}

func (r *readOnly) Provider(in *Integration) (providers.Provider, error) {
	return r.groups.provider(in)
}

func (r *readOnly) home(in *Integration) string { return r.groups.home(in) }

func (r *readOnly) houses(in *Integration, s *Stored) bool { return r.groups.houses(in, s) }

func (r *readOnly) recordID(in *Integration) (string, error) { return r.groups.id(in) }

func (r *readOnly) siblings(ctx context.Context, id string, in *Integration) ([]*Integration, error) {
	found, err := r.groups.siblings(ctx, id, in.Name)
	if err != nil {
		return nil, err
	}
	return found, r.groups.conflict(in, found)
}

// Entry is what a person or a script enters to re-authenticate.
type Entry struct {
	Credential providers.Credential
	// ExpiresAt is the end of its life where the upstream does not tell it; zero
	// where nothing was entered.
	ExpiresAt time.Time
}

// Change is a record before and after.
type Change struct {
	Integration *Integration
	// Siblings are the other integrations that share the record, sorted by name.
	Siblings []*Integration
	Before   *Record // never nil; of version 0 if there was none
	After    *Record
	// IdentityChanged is whether the credential belongs to another account than
	// the one before.
	IdentityChanged bool
	// Warnings are sentences for the person who re-authenticated.
	Warnings []string
	id       string // of the record
	// finding is what a check of the new credential found once it was in use; nil
	// where it was checked before.
	finding *Finding
	// unconfirmed is set where a check refused the new credential, and another one to
	// confirm it could not be made.
	unconfirmed bool
	// again is set where the credential is the one that was in use, verified once more.
	again bool
	// tokens is what a check of a new pool learnt that was begun when asked says.
	tokens []tokenCheck
	asked  time.Time
}

// Reauth checks the entered credential at the upstream and, if it is verified,
// swaps it in with one Put. A refusal is an *Error; after any error the record
// is what it was, or, if storage failed in the middle of the Put, the new one whole.
// The credential in use keeps its version, and what was found against it is void; that is
// stored after the record, so an error may leave it until the same is sent again or a check
// finds it void. A code of OAuth is exchanged first; see Authorize.
func (c *Credentials) Reauth(ctx context.Context, name string, entry Entry, who Actor) (*Change, error) {
	if code := entry.Credential.Value(providers.OAuthCode); !code.Empty() {
		return c.exchange(ctx, name, code, entry.Credential.Value(providers.OAuthState), who)
	}
	return c.checked(ctx, name, func(ctx context.Context, in *Integration, change *Change) (*Record, error) {
		mount, err := c.mount.Read(ctx)
		if err != nil {
			return nil, err
		}
		next, err := c.check(ctx, in, mount, entry, change)
		if err != nil {
			return nil, err
		}
		if change.Before.hasAlready(next) {
			return c.verifiedAgain(change, next), nil
		}
		after := change.Before.swapped(next, CauseReauth, who, mount.HistoryLimit)
		after.keep(change.Before, c.now().Add(mount.RollbackWindow))
		return after, nil
	})
}

// Validate does the checks of Reauth and stores nothing. Change.After is what a
// re-authentication now would store.
func (c *Credentials) Validate(ctx context.Context, name string, entry Entry) (*Change, error) {
	in, before, err := c.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	change := &Change{Integration: in, Before: before}
	next, err := c.check(ctx, in, mount, entry, change)
	if err != nil {
		return nil, err
	}
	change.After = before.swapped(next, CauseReauth, Actor{}, mount.HistoryLimit)
	return change, nil
}

// Read returns the integration and its record, which has version 0 if there
// never was a credential. They belong together, even while both are being replaced.
// It takes no lock and, once cached, touches no storage. What checks learnt of the credential
// and storage has not taken yet is in the record.
func (c *Credentials) Read(ctx context.Context, name string) (*Integration, *Record, error) {
	in, record, err := c.together(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return in, c.known(ctx, in, record), nil
}

// Forget erases the credential and keeps its counter and history. Without a
// credential it changes nothing. A shared credential is forgotten for all. It goes before
// the checks that wait for the record, and these are refused.
func (c *Credentials) Forget(ctx context.Context, name string, who Actor) (*Change, error) {
	held, err := c.hold(ctx, name, turn{first: true, last: true})
	if err != nil {
		return nil, err
	}
	defer held.release()
	in, id, mount := held.in, held.id, held.mount
	return c.edit(ctx, in, id, func(ctx context.Context, change *Change) (*Record, error) {
		if !change.Before.holds() {
			return change.Before, nil
		}
		if err := c.clearAway(ctx, in, id, mount); err != nil {
			return nil, err
		}
		if err := c.pending.remove(ctx, id); err != nil { // it may hold a successor
			return nil, err
		}
		c.refreshes.made(id, nil)
		// A successor may have been swapped in, and versions never go back.
		var err error
		if change.Before, err = c.records.loadExact(ctx, id); err != nil {
			return nil, err
		}
		c.faults.over(name, DeedCheck, DeedRefresh)
		return change.Before.forgotten(c.now(), who, mount.HistoryLimit), nil
	})
}

// clearPatience is how long forgetting waits for an upstream that has something to remove.
const clearPatience = 10 * time.Second

// clearAway removes upstream what rotations have left there, if it can be: afterwards
// nobody has a credential to do so. An upstream that refuses, is down or takes long keeps
// nobody from forgetting.
func (c *Credentials) clearAway(ctx context.Context, in *Integration, id string, mount *Mount) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), clearPatience)
	defer cancel()
	taken, err := c.resume(limited, in, id, mount, true)
	if err == nil && taken != nil { // what it replaced is left to remove
		_, err = c.resume(limited, in, id, mount, true)
	}
	var refused *Error
	if errors.As(err, &refused) || limited.Err() != nil {
		return nil
	}
	return err
}
