package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// pendingLife is how long an unfinished rotation is remembered. By then a person has
// been called, or the credential has ended.
const pendingLife = 30 * 24 * time.Hour

// Pending is a rotation that is about to happen, or under way. It is stored before the
// upstream is asked to make a successor, and again with the successor, before anybody
// uses that: wherever the engine is stopped, the next one finds it. Values are immutable.
type Pending struct {
	Integration string             `json:"integration"`
	Version     int                `json:"version"` // of the credential that it replaces
	Rotation    providers.Rotation `json:"rotation"`
	BegunAt     time.Time          `json:"begun_at"`
	// Successor is set once it was made; ExpiresAt is its end.
	Successor   providers.Credential `json:"-"` // see pendingJSON
	Fingerprint string               `json:"fingerprint,omitempty"`
	Salt        string               `json:"salt,omitempty"` // see Stored
	ExpiresAt   time.Time            `json:"expires_at,omitzero"`
	Actor
	Cause Cause `json:"cause"`
	// FinishAt is set once the successor is in use, and that is noted without it: when
	// the credential before, with the fingerprint Replaced, is removed upstream.
	Replaced string    `json:"replaced,omitempty"`
	FinishAt time.Time `json:"finish_at,omitzero"`
	unknown  unknown
}

// pendingJSON is Pending as it is stored: with the successor's secrets.
type pendingJSON struct {
	*Pending
	Fields storedFields `json:"fields,omitempty"`
}

func encodePending(p *Pending) ([]byte, error) {
	return p.unknown.encode(pendingJSON{Pending: p, Fields: fieldsOf(p.Successor)})
}

func decodePending(_ string, data []byte) (_ *Pending, err error) {
	wire := pendingJSON{Pending: &Pending{}}
	if wire.unknown, err = decodeKnown(data, &wire); err != nil {
		return nil, errors.New("not a rotation") // the decoder's message can quote what it read
	}
	wire.Successor = credentialIn(wire.Fields)
	return wire.Pending, nil
}

// rotator is the provider of an integration if it can rotate its credential; else a
// refusal that says why not.
func (c *Credentials) rotator(in *Integration, mount *Mount) (providers.Rotator, error) {
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	spec := provider.Spec()
	rotator, ok := provider.(providers.Rotator)
	if !ok {
		return nil, rotateUnsupported(in, spec, fmt.Sprintf("a credential of auth_type %s cannot make another", in.AuthType))
	}
	if why := rotator.RotationUnsupported(in.target(spec, mount)); why != "" {
		return nil, rotateUnsupported(in, spec, strings.TrimSuffix(why, "."))
	}
	return rotator, nil
}

// rotateUnsupported is the refusal for a credential that cannot be rotated. What to do
// instead depends on what can be written to reauth/, and on whether the provider has
// credentials that renew themselves.
func rotateUnsupported(in *Integration, spec providers.Spec, why string) *Error {
	e := &Error{Code: CodeRotateUnsupported, Integration: in.Name, Provider: in.Provider}
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

// errNotDue says that a credential need not be rotated any more.
var errNotDue = errors.New("the credential was replaced meanwhile")

// Rotate lets the upstream make the successor of the credential in use, and swaps it
// in. Once the upstream has been asked it goes on even if the request goes away. Where
// due is not nil it decides once nobody else can change the record, and errNotDue is
// what it comes to if it says no. A rotation that was cut off is taken up, and if it
// succeeds that is all: there is a new credential already.
func (c *Credentials) Rotate(ctx context.Context, name string, who Actor, due func(*Record) bool) (*Change, error) {
	held, err := c.hold(ctx, name, turn{bounded: due == nil})
	if err != nil {
		return nil, err
	}
	defer held.release()
	in, id, mount := held.in, held.id, held.mount
	if c.exchanged(in) {
		return c.refreshNow(ctx, in, id, mount, who)
	}
	rotator, err := c.rotator(in, mount)
	if err != nil {
		return nil, err
	}
	if taken, err := c.settled(ctx, in, id, mount, due); err != nil || taken != nil {
		return taken, err
	}
	ctx = context.WithoutCancel(ctx)
	change, pending, err := c.successor(ctx, rotator, in, id, mount, who)
	if err != nil {
		return nil, err
	}
	return c.adopt(ctx, change, pending, rotator, mount)
}

func (c *Credentials) exchanged(in *Integration) bool {
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return false
	}
	auth, _ := provider.Spec().AuthType(in.AuthType)
	return auth.Exchanged()
}

// successor asks the upstream for one and stores it.
func (c *Credentials) successor(ctx context.Context, rotator providers.Rotator, in *Integration, id string, mount *Mount, who Actor) (*Change, *Pending, error) {
	before, err := c.athome(ctx, in, id)
	if err != nil {
		return nil, nil, err
	}
	if before.Current == nil {
		return nil, nil, NoCredential(in)
	}
	change := &Change{Integration: in, Before: before, id: id}
	provider, _ := c.integrations.Provider(in)
	target, current := in.target(provider.Spec(), mount), before.Current
	limited, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	rotation, err := rotator.Prepare(limited, target, current.Credential, c.wish(current, mount))
	if err != nil {
		return nil, nil, c.refused(ctx, in, before, quietly(provider, target, current.Credential, err), nil)
	}
	pending := &Pending{Integration: in.Name, Version: before.Version, Rotation: rotation, BegunAt: c.now().UTC(), Actor: who, Cause: CauseRotate}
	if err := c.pending.save(ctx, id, pending); err != nil {
		return nil, nil, err
	}
	if _, err := c.marks.key(ctx); err != nil { // nothing may fail afterwards but the save
		return nil, nil, err
	}
	made, err := rotator.Rotate(limited, target, current.Credential, rotation)
	if err != nil {
		return nil, nil, c.notRotated(ctx, rotator, target, change, pending, mount, quietly(provider, target, current.Credential, err))
	}
	next := *pending
	next.Successor = made.Credential
	if believable(made.ExpiresAt, c.now()) {
		next.ExpiresAt = made.ExpiresAt
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(in.AuthType)
	prints, err := c.marks.of(ctx, owner{id, in.binding(spec), before}, auth, made.Credential)
	if err != nil {
		return nil, nil, err
	}
	next.Fingerprint, next.Salt = prints.whole, prints.salt
	c.refreshes.made(id, &next)
	if err := c.pending.save(ctx, id, &next); err != nil {
		return nil, nil, err // it is in memory, and the sweep stores it
	}
	c.refreshes.made(id, nil)
	return change, &next, nil
}

// wish is what a rotation should come to: an overlap in which workers can still use the
// credential before, and as long a life as that was to have, which the upstream knows.
func (c *Credentials) wish(current *Stored, mount *Mount) providers.RotationWish {
	return providers.RotationWish{Now: c.now(), Overlap: max(2*mount.CredsTTL, mount.RollbackWindow, time.Hour), Made: current.Rotation}
}

// quietly guards the error of a rotation as that of a check.
func quietly(p providers.Provider, t providers.Target, cred providers.Credential, err error) error {
	_, err = keepSecret(p, t, cred, providers.Verified{}, err)
	return err
}
