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
	ExpiresAt   time.Time            `json:"expires_at,omitzero"`
	Actor
	Cause Cause `json:"cause"`
	// Replaced is the fingerprint of the credential before, and FinishAt when it is
	// removed upstream: both set once the successor is in use, and without it.
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
	why := spec.Rotation
	if ok {
		if why = rotator.RotationUnsupported(in.target(spec, mount)); why == "" {
			return rotator, nil
		}
	}
	why = strings.TrimSuffix(strings.TrimPrefix(why, "None: "), ".")
	return nil, &Error{
		Code: CodeRotateUnsupported, Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("%s cannot rotate this credential: %s; write another one to reauth/%s instead", spec.Title, why, in.Name),
	}
}

// errNotDue says that a credential need not be rotated any more.
var errNotDue = errors.New("the credential was replaced meanwhile")

// Rotate lets the upstream make the successor of the credential in use, and swaps it
// in. Once the upstream has been asked it goes on even if the request goes away. Where
// due is not nil it decides once nobody else can change the record, and errNotDue is
// what it comes to if it says no. A rotation that was cut off is taken up, and if it
// succeeds that is all: there is a new credential already.
func (c *Credentials) Rotate(ctx context.Context, name string, who Actor, due func(*Record) bool) (*Change, error) {
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	in, id, release, err := c.hold(ctx, name)
	if err != nil {
		return nil, err
	}
	defer release()
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

// settled ends the rotation before, if there is one, so that its note is not lost, and
// asks whether another one is still due. If there was a successor to swap in, it returns
// that change: another rotation at once would end what workers use at this moment.
func (c *Credentials) settled(ctx context.Context, in *Integration, id string, mount *Mount, due func(*Record) bool) (*Change, error) {
	before, err := c.records.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.resume(ctx, in, id, mount, true); err != nil {
		return nil, err
	}
	record, err := c.records.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	if record.Version != before.Version {
		return &Change{Integration: in, Before: before, After: record, id: id}, nil
	}
	p, err := c.pending.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	if p != nil {
		return nil, &Error{
			Code: string(providers.Unreachable), Integration: in.Name, Provider: in.Provider,
			Message: "the rotation before is not finished, because the upstream could not be asked; try again later",
		}
	}
	if due != nil && !due(record) {
		return nil, errNotDue
	}
	return nil, nil //nolint:nilnil // there was nothing to take up
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
	before, err := c.records.loadExact(ctx, id)
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
	next.Successor, next.ExpiresAt = made.Credential, made.ExpiresAt
	auth, _ := provider.Spec().AuthType(in.AuthType)
	if next.Fingerprint, _, err = c.marks.of(ctx, auth, made.Credential); err != nil {
		return nil, nil, err
	}
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

// notRotated decides what is left of a rotation whose request did not succeed. If it
// was clearly not carried out, nothing is.
func (c *Credentials) notRotated(ctx context.Context, rotator providers.Rotator, t providers.Target, change *Change, p *Pending, mount *Mount, err error) error {
	var cause *providers.Error
	if errors.As(err, &cause) && cause.Outcome != providers.Unreachable && cause.Outcome != providers.UpstreamError {
		if err := c.pending.remove(ctx, change.id); err != nil {
			return err
		}
		return c.refused(ctx, change.Integration, change.Before, err, nil)
	}
	if lost := c.recover(ctx, rotator, t, change, p, mount); lost != nil {
		return lost
	}
	return c.refused(ctx, change.Integration, change.Before, err, nil)
}

// recover finds out what became of a rotation whose answer never came. A credential
// that is dead since then is marked: its successor is lost, and a person must act.
func (c *Credentials) recover(ctx context.Context, rotator providers.Rotator, t providers.Target, change *Change, p *Pending, mount *Mount) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	lives, err := rotator.Recover(ctx, t, change.Before.Current.Credential, p.Rotation)
	if err != nil {
		return nil // it stays pending, and is looked at again
	}
	if !lives {
		e := rotationLost(change.Integration, p)
		if err := c.mark(ctx, change.Integration, change.Before, e); err != nil {
			return err
		}
		if err := c.pending.remove(ctx, change.id); err != nil {
			return err
		}
		return e
	}
	return c.pending.remove(ctx, change.id)
}

// rotationLost is the refusal for a credential that died in a rotation.
func rotationLost(in *Integration, p *Pending) *Error {
	return &Error{
		Code: string(providers.Rejected), Integration: in.Name, Provider: in.Provider,
		Message: "the rotation begun on " + p.BegunAt.Format(time.RFC3339) + " was cut off: the upstream replaced the credential, and its answer with the new one was lost; write another one to reauth/" + in.Name,
	}
}

// mark stores as a finding that a credential is no good.
func (c *Credentials) mark(ctx context.Context, in *Integration, record *Record, e *Error) error {
	stored, err := c.findings.loadExact(ctx, in.Name)
	if err != nil {
		return err
	}
	return c.findings.save(ctx, in.Name, stored.of(record.Version).found(&result{in: in, record: record, code: e.Code, message: e.Message, asked: c.now()}, c.now()))
}

// adopt swaps the successor in with one Put and finishes upstream. Where the one before
// goes on working the successor is checked first. Where it is dead by then, nothing is
// better than what the upstream has just made, and it is checked afterwards.
func (c *Credentials) adopt(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) (*Change, error) {
	in, entered := change.Integration, Entry{Credential: p.Successor, ExpiresAt: p.ExpiresAt}
	next := succeeding(change.Before.Current, p, c.now())
	if rotator.Overlaps() {
		checked, err := c.check(ctx, in, mount, entered, change)
		if err != nil {
			return nil, err // it stays pending: the sweep asks again
		}
		next = checked
	}
	next.Rotation = p.Rotation
	change.After = change.Before.swapped(next, p.Cause, p.Actor, mount.HistoryLimit)
	if rotator.Overlaps() {
		change.After.keep(change.Before.Current, c.now().Add(mount.RollbackWindow))
	}
	if err := c.records.save(ctx, change.id, change.After); err != nil {
		return nil, err
	}
	c.refreshes.saved(change.id)
	if !rotator.Overlaps() {
		c.checkAfterwards(ctx, change, mount, entered)
	}
	if !rotator.Overlaps() || mount.RollbackWindow == 0 {
		c.finish(ctx, in, change.id, p.Successor, p, rotator, mount)
		return change, nil
	}
	later := *p
	later.Successor, later.unknown = providers.Credential{}, p.unknown.withoutCredentials()
	later.Replaced = change.Before.Current.Fingerprint
	later.FinishAt = c.now().Add(mount.RollbackWindow).UTC()
	_ = c.pending.save(ctx, change.id, &later) // if that fails it is finished sooner
	return change, nil
}

// succeeding is the stored form of a successor that has not been checked: of the same
// account and with the same rights as the one before.
func succeeding(before *Stored, p *Pending, now time.Time) *Stored {
	next := *before
	next.Credential, next.Fingerprint, next.Members = p.Successor, p.Fingerprint, nil
	next.ExpiresAt, next.VerifiedAt, next.unknown = p.ExpiresAt, now.UTC(), nil
	return &next
}

// checkAfterwards stores a verdict on a credential that is in use already.
func (c *Credentials) checkAfterwards(ctx context.Context, change *Change, mount *Mount, entered Entry) {
	_, err := c.check(ctx, change.Integration, mount, entered, &Change{Integration: change.Integration, Before: change.Before})
	var refused *Error
	if errors.As(err, &refused) && verdict(refused.Code) {
		_ = c.mark(ctx, change.Integration, change.After, refused)
		change.Warnings = append(change.Warnings, "the new credential is in use, and its check failed: "+refused.Message)
	}
}

// finish removes upstream what was replaced, and then the note. What does not succeed
// is done again by the sweep.
func (c *Credentials) finish(ctx context.Context, in *Integration, id string, with providers.Credential, p *Pending, rotator providers.Rotator, mount *Mount) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return
	}
	err = rotator.Finish(ctx, in.target(provider.Spec(), mount), with, p.Rotation)
	var cause *providers.Error
	if err == nil || errors.As(err, &cause) && !cause.Outcome.CouldNotTell() {
		_ = c.pending.remove(ctx, id)
	}
}

// resume takes up a rotation that was cut off, or finishes one whose time has come;
// early says that it has. The caller holds the lock of the record.
func (c *Credentials) resume(ctx context.Context, in *Integration, id string, mount *Mount, early bool) error {
	p, err := c.pending.loadExact(ctx, id)
	if err != nil || p == nil {
		return err
	}
	record, err := c.records.loadExact(ctx, id)
	if err != nil {
		return err
	}
	rotator, err := c.rotator(in, mount)
	if err != nil || record.Current == nil || c.now().Sub(laterOf(p.BegunAt, p.FinishAt)) > pendingLife {
		return c.pending.remove(ctx, id) // it concerns nobody any more
	}
	ctx = context.WithoutCancel(ctx)
	if p, err = c.unsaved(ctx, id, p); err != nil {
		return err
	}
	if p.Replaced != "" || record.Current.Fingerprint == p.Fingerprint {
		if !early && c.now().Before(p.FinishAt) {
			return nil
		}
		if record.Current.Fingerprint == p.Replaced { // somebody went back to it
			return c.disown(ctx, in, id, record.Current.Credential, p, rotator, mount)
		}
		c.finish(ctx, in, id, record.Current.Credential, p, rotator, mount)
		return nil
	}
	return c.takeUp(ctx, &Change{Integration: in, Before: record, id: id}, p, rotator, mount)
}

// unsaved is the rotation with its successor, if that could not be stored before.
func (c *Credentials) unsaved(ctx context.Context, id string, p *Pending) (*Pending, error) {
	kept := c.refreshes.unsavedSuccessor(id)
	if kept == nil || !kept.BegunAt.Equal(p.BegunAt) {
		return p, nil
	}
	if err := c.pending.save(ctx, id, kept); err != nil {
		return nil, err
	}
	c.refreshes.made(id, nil)
	return kept, nil
}

// takeUp goes on with a rotation whose successor is not in use yet.
func (c *Credentials) takeUp(ctx context.Context, change *Change, p *Pending, rotator providers.Rotator, mount *Mount) error {
	if change.Before.Version != p.Version { // a person was faster
		return c.pending.remove(ctx, change.id)
	}
	if p.Fingerprint != "" {
		_, err := c.adopt(ctx, change, p, rotator, mount)
		var refused *Error
		if !rotator.Overlaps() || !errors.As(err, &refused) || !verdict(refused.Code) {
			return err
		}
		// The successor does not do: it is given up upstream, so that another can be made.
		c.refreshes.made(change.id, nil)
	}
	provider, err := c.integrations.Provider(change.Integration)
	if err != nil {
		return err
	}
	return c.recover(ctx, rotator, change.Integration.target(provider.Spec(), mount), change, p, mount)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// disown removes upstream a successor that is used no more, with the credential that it
// had replaced.
func (c *Credentials) disown(ctx context.Context, in *Integration, id string, with providers.Credential, p *Pending, rotator providers.Rotator, mount *Mount) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
	defer cancel()
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return err
	}
	if _, err := rotator.Recover(ctx, in.target(provider.Spec(), mount), with, p.Rotation); err != nil {
		return nil // the sweep tries again
	}
	return c.pending.remove(ctx, id)
}

// refreshNow is Rotate of an OAuth credential: its tokens are renewed although they are
// not due. Unlike a refresh that was due it raises the version, since somebody asked.
func (c *Credentials) refreshNow(ctx context.Context, in *Integration, id string, mount *Mount, who Actor) (*Change, error) {
	change, err := c.edit(context.WithoutCancel(ctx), in, id, func(ctx context.Context, change *Change) (*Record, error) {
		before := change.Before
		if before.Current == nil {
			return nil, NoCredential(in)
		}
		if !before.Current.refreshable() {
			return nil, (&Handout{Integration: in, Record: before}).consentAgain()
		}
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		renewed, err := c.traded(ctx, mount, change, who)
		if err != nil || renewed.Current.Fingerprint == before.Current.Fingerprint {
			return renewed, err // refused for good
		}
		next := *renewed.Current
		next.VerifiedAt = c.now().UTC()
		return before.swapped(&next, CauseRotate, who, mount.HistoryLimit), nil
	})
	if err == nil && !change.After.Current.refreshable() && !change.After.Current.Access.RefusedAt.IsZero() {
		return nil, (&Handout{Integration: in, Record: change.After}).consentAgain()
	}
	return change, err
}
