package rotation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/providers"
)

// pendingLife is how long an unfinished rotation is remembered. By then a person has
// been called, or the credential has ended.
const pendingLife = 30 * 24 * time.Hour

// Rotations lets upstreams make successors of credentials. It is safe for concurrent use.
type Rotations struct {
	door         *credential.Door
	integrations Resolver
	pendings     *Pendings
	now          func() time.Time
}

// New returns the rotations of a mount.
func New(door *credential.Door, integrations Resolver, pendings *Pendings, now func() time.Time) *Rotations {
	return &Rotations{door: door, integrations: integrations, pendings: pendings, now: now}
}

// rotation is one of a record that is held.
type rotation struct {
	*Rotations
	*credential.Held
	rotator providers.Rotator
}

// Resolver resolves integrations.
type Resolver interface {
	Subject(in *backend.Integration) (*backend.Subject, error)
}

// Supports reports whether the credential of an integration can be rotated.
func (r *Rotations) Supports(in *backend.Integration, mount *backend.Mount) bool {
	subject, err := r.integrations.Subject(in)
	if err != nil {
		return false
	}
	subject.Mount = mount
	_, err = rotator(subject)
	return err == nil
}

// Unfinished returns the keys of the records that have a rotation to go on with.
func (r *Rotations) Unfinished(ctx context.Context) ([]string, error) { return r.pendings.list(ctx) }

// rotator is the provider of an integration if it can rotate its credential; else a
// refusal that says why not.
func rotator(s *backend.Subject) (providers.Rotator, error) {
	in := s.Integration
	rotator, ok := s.Provider.(providers.Rotator)
	if !ok {
		return nil, rotateUnsupported(in, s.Spec, fmt.Sprintf("a credential of auth_type %s cannot make another", in.AuthType))
	}
	if why := rotator.RotationUnsupported(s.Target()); why != "" {
		return nil, rotateUnsupported(in, s.Spec, strings.TrimSuffix(why, "."))
	}
	return rotator, nil
}

// rotateUnsupported is the refusal for a credential that cannot be rotated. What to do
// instead depends on what can be written to reauth/, and on whether the provider has
// credentials that renew themselves.
func rotateUnsupported(in *backend.Integration, spec providers.Spec, why string) *backend.Error {
	e := &backend.Error{Code: backend.CodeRotateUnsupported, Integration: in.Name, Provider: in.Provider}
	if auth, _ := spec.AuthType(in.AuthType); auth.Unsupported != "" {
		e.Message = fmt.Sprintf("integration %q has auth_type %s. %s", in.Name, in.AuthType, strings.TrimSuffix(auth.Unsupported, "."))
		return e
	}
	e.Message = fmt.Sprintf("%s cannot rotate this credential: %s; make another by hand and write it to reauth/%s", spec.Title, why, in.Name)
	for _, auth := range spec.AuthTypes {
		if auth.Exchanged() {
			e.Message += fmt.Sprintf(", or use an integration with auth_type %s, whose tokens are renewed", auth.Name)
		}
	}
	return e
}

// ErrNotDue says that a credential need not be rotated any more.
var ErrNotDue = errors.New("the credential need not be rotated any more")

// Rotate lets the upstream make the successor of the credential in use, and swaps it
// in. Once the upstream has been asked it goes on even if the request goes away. Where
// due is not nil it decides now that nobody else can change either, and ErrNotDue is
// what it comes to if it says no. A rotation that was cut off is taken up, and if it
// succeeds that is all: there is a new credential already.
func (r *Rotations) Rotate(ctx context.Context, held *credential.Held, who backend.Actor, due func(*backend.Subject, *backend.Record) bool) (*backend.Change, error) {
	rotator, err := rotator(held.Subject)
	if err != nil {
		return nil, err
	}
	if taken, err := r.finishPrevious(ctx, held, due); err != nil || taken != nil {
		return taken, err
	}
	ctx = context.WithoutCancel(ctx)
	c := &rotation{r, held, rotator}
	before, pending, err := c.successor(ctx, who)
	if err != nil {
		return nil, err
	}
	return c.adopt(ctx, before, pending)
}

// successor asks the upstream for one and stores it. It returns the record that it succeeds.
func (c *rotation) successor(ctx context.Context, who backend.Actor) (*backend.Record, *backend.Pending, error) {
	in := c.Integration
	before, err := c.RecordToSend(ctx)
	if err != nil {
		return nil, nil, err
	}
	if before.Current == nil {
		return nil, nil, backend.NoCredential(in)
	}
	target, current := c.Target(), before.Current
	limited, cancel := context.WithTimeout(ctx, c.Mount.ExchangeTimeout())
	defer cancel()
	plan, err := c.rotator.Prepare(limited, target, current.Credential, wish(current, c.Mount, c.now()))
	if err != nil {
		return nil, nil, c.Refused(ctx, before, ask.Quietly(c.Provider, target, current.Credential, err))
	}
	pending := &backend.Pending{Integration: in.Name, Version: before.Version, Rotation: plan, BegunAt: c.now().UTC(), Actor: who, Cause: backend.CauseRotate}
	if err := c.pendings.save(ctx, c.RecordID, pending); err != nil {
		return nil, nil, err
	}
	if err := c.CanPrint(ctx); err != nil { // nothing may fail afterwards but the save
		return nil, nil, err
	}
	made, err := c.rotator.Rotate(limited, target, current.Credential, plan)
	if err != nil {
		return nil, nil, c.notRotated(ctx, before, pending, ask.Quietly(c.Provider, target, current.Credential, err))
	}
	next := *pending
	next.Successor = made.Credential
	if ask.Believable(made.ExpiresAt, c.now()) {
		next.ExpiresAt = made.ExpiresAt
	}
	prints, err := c.Prints(ctx, before, made.Credential)
	if err != nil {
		return nil, nil, err
	}
	next.Fingerprint, next.Salt = prints.Whole, prints.Salt
	if err := c.pendings.saveSurely(ctx, c.RecordID, &next); err != nil {
		return nil, nil, err // it is in memory, and the sweep stores it
	}
	return before, &next, nil
}

// wish is what a rotation should come to: an overlap in which workers can still use the
// credential before, and as long a life as that was to have, which the upstream knows.
func wish(current *backend.Stored, mount *backend.Mount, now time.Time) providers.RotationWish {
	return providers.RotationWish{Now: now, Overlap: max(2*mount.CredsTTL, mount.RollbackWindow, time.Hour), Made: current.Rotation}
}
