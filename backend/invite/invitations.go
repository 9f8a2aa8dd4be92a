package invite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/providers"
)

const (
	// DefaultLife is how long an invitation is open where nobody says otherwise.
	DefaultLife = 24 * time.Hour
	// MaxLife is the longest that one can be.
	MaxLife = 7 * 24 * time.Hour
	// maxOfIntegration bounds the open invitations of an integration that people asked for,
	// maxOfMount those of a mount, and maxOfTargets the links of messages: messages take
	// no room from people.
	maxOfIntegration = 20
	maxOfMount       = 1000
	maxOfTargets     = 2000
)

// Invitations opens invitations and finds those that are open. It is safe for concurrent
// use.
type Invitations struct {
	*Book
	door           *credential.Door
	configurations Configurations
	tell           backend.Notify
}

// Configurations reads the configuration that an invitation is for.
type Configurations interface {
	// Subject resolves an integration. Its mount is the caller's to set.
	Subject(in *backend.Integration) (*backend.Subject, error)
	// Siblings are the others that share its record.
	Siblings(ctx context.Context, id string, in *backend.Integration) ([]*backend.Integration, error)
}

// New returns the invitations of a mount. tell takes events, from any goroutine.
func New(book *Book, door *credential.Door, configurations Configurations, tell backend.Notify) *Invitations {
	return &Invitations{Book: book, door: door, configurations: configurations, tell: tell}
}

// Wish is the invitation that somebody asks for.
type Wish struct {
	Integration string
	Life        time.Duration
	// Identity is the account whose credential is taken; "" for that of the integration.
	Identity string
	// Anybody takes a credential of any account.
	Anybody bool
	Note    string
	Who     backend.Actor
	// Sender is the target of notifications that the link goes to. The one before that it
	// got for the integration ends.
	Sender string
}

// Opened is an invitation with its token, which nobody can read again.
type Opened struct {
	*backend.Invitation
	Token providers.Secret
}

// Found is an invitation that is open, and what it is for.
type Found struct {
	*backend.Invitation
	// Key is that of its entry, by which it is used.
	Key     string
	Subject *backend.Subject
	Record  *backend.Record
	// Siblings are the other integrations that its credential is for.
	Siblings []*backend.Integration
}

// Open makes an invitation for an integration that can be re-authenticated.
func (v *Invitations) Open(ctx context.Context, wish Wish) (*Opened, error) {
	in, record, err := v.door.Read(ctx, wish.Integration)
	if err != nil {
		return nil, err
	}
	subject, err := v.configurations.Subject(in)
	if err != nil {
		return nil, err
	}
	if subject.AuthType.Unsupported != "" {
		return nil, backend.ReauthUnsupported(in, subject.AuthType)
	}
	if err := backend.Complete(in, subject.Spec); err != nil {
		return nil, err
	}
	account, err := accountOf(wish, in, record)
	if err != nil {
		return nil, err
	}
	now := v.now().UTC().Round(0)
	opened, err := v.store(ctx, &backend.Invitation{
		Accessor: backend.InvitationKey(backend.RandomSecret())[:accessorLength], Integration: in.Name, Binding: subject.Binding(), Account: account,
		Note: wish.Note, Actor: wish.Who, CreatedAt: now, ExpiresAt: now.Add(wish.Life).Truncate(time.Second), Sender: wish.Sender,
		Present: wish.Identity == "" && !wish.Anybody, Version: record.Version, Held: record.Current != nil,
	})
	if err == nil {
		v.tell(ctx, backend.Event{Type: backend.EventInvited, Integration: in.Name, Provider: in.Provider, Version: record.Version, Invitation: opened.Accessor})
	}
	return opened, err
}

// accessorLength is that of an accessor: 128 bits, as hexadecimal digits.
const accessorLength = 32

// accountOf is the account that an invitation is bound to, nil for any.
func accountOf(wish Wish, in *backend.Integration, record *backend.Record) (*backend.Account, error) {
	refuse := func(code, message string) error {
		return &backend.Error{Code: code, Integration: in.Name, Provider: in.Provider, Fields: []string{"identity"}, Message: message}
	}
	switch {
	case wish.Anybody && wish.Identity != "":
		return nil, refuse(backend.CodeInvalidField, "identity names an account, and any_identity takes any; send one of them")
	case wish.Anybody:
		return nil, nil //nolint:nilnil // nil is any
	case wish.Identity != "" && wish.Identity != record.Identity:
		return &backend.Account{Identity: wish.Identity}, nil
	case record.Identity != "":
		return &backend.Account{Identity: record.Identity, ID: record.AccountID}, nil
	default:
		return nil, refuse(backend.CodeMissingField, fmt.Sprintf("integration %q has had no credential, so nobody knows whose is right; send identity, the account as the upstream names it, or any_identity=true", in.Name))
	}
}

// store keeps an invitation where there is room for it.
func (v *Invitations) store(ctx context.Context, invitation *backend.Invitation) (*Opened, error) {
	release, err := v.locks.Acquire(ctx, backend.InvitesPrefix) // one after the other, so that all are counted
	if err != nil {
		return nil, err
	}
	defer release()
	open, err := v.room(ctx, invitation)
	if err != nil {
		return nil, err
	}
	token := backend.RandomSecret()
	key := backend.InvitationKey(token)
	if err := v.table.Save(ctx, key, invitation); err != nil {
		// Nobody has the token: if it was stored after all, it ends with its time.
		v.table.Invalidate(key)
		return nil, err
	}
	for _, earlier := range open {
		if replaces(invitation, earlier.Invitation) {
			if err := v.end(ctx, earlier.key); err != nil {
				return nil, err
			}
		}
	}
	return &Opened{Invitation: invitation, Token: token}, nil
}

// replaces reports whether one takes the place of an earlier one.
func replaces(invitation, earlier *backend.Invitation) bool {
	return invitation.Sender != "" && invitation.Sender == earlier.Sender && invitation.Integration == earlier.Integration
}

// room returns the invitations that are there, if there is room for one more. Whether they
// are still open is only asked where there is none: it takes reads for each.
func (v *Invitations) room(ctx context.Context, invitation *backend.Invitation) ([]keyed, error) {
	there, err := v.inTime(ctx)
	if err != nil || full(there, invitation) == nil {
		return there, err
	}
	if there, err = v.sweep(ctx); err != nil {
		return nil, err
	}
	return there, full(there, invitation)
}

// inTime removes invitations whose time is over, and returns the others.
func (v *Invitations) inTime(ctx context.Context) ([]keyed, error) {
	all, err := v.all(ctx)
	if err != nil {
		return nil, err
	}
	there := all[:0]
	for _, one := range all {
		if v.now().Before(one.ExpiresAt) {
			there = append(there, one)
		} else if err := v.end(ctx, one.key); err != nil {
			return nil, err
		}
	}
	return there, nil
}

// full refuses one too many. Links of messages and those that people asked for are counted
// apart, and of a target there is one for an integration.
func full(there []keyed, invitation *backend.Invitation) error {
	own, alike := 0, 0
	for _, other := range there {
		if replaces(invitation, other.Invitation) {
			return nil
		}
		if (other.Sender == "") != (invitation.Sender == "") {
			continue
		}
		alike++
		if other.Integration == invitation.Integration {
			own++
		}
	}
	var message string
	switch {
	case invitation.Sender == "" && own >= maxOfIntegration:
		message = fmt.Sprintf("%d invitations of integration %q are open, and that is the most; end some with a delete of invites/%s/<accessor>, which invites/%s lists", own, invitation.Integration, invitation.Integration, invitation.Integration)
	case invitation.Sender == "" && alike >= maxOfMount:
		message = fmt.Sprintf("%d invitations of this mount are open, and that is the most; end some, or wait until they end", alike)
	case invitation.Sender != "" && alike >= maxOfTargets:
		message = fmt.Sprintf("%d links of messages are open, and that is the most", alike)
	default:
		return nil
	}
	return &backend.Error{Code: backend.CodeTooManyInvitations, Integration: invitation.Integration, Message: message}
}

// Find returns the open invitation of a token, or a refusal that is the same for all that
// are not open. Another refusal is of one that is open and cannot be used until the
// configuration was mended. It changes nothing.
func (v *Invitations) Find(ctx context.Context, token providers.Secret) (*Found, error) {
	return v.FindKey(ctx, backend.InvitationKey(token))
}

// FindKey is Find for whoever knows the key of the entry, as an authorization does that was
// begun by the invitation.
func (v *Invitations) FindKey(ctx context.Context, key string) (*Found, error) {
	invitation, err := v.table.LoadExact(ctx, key)
	if err != nil {
		return nil, err
	}
	found, err := v.found(ctx, key, invitation)
	if err != nil {
		return nil, err
	}
	found.Siblings, err = v.configurations.Siblings(ctx, found.Subject.RecordID, found.Subject.Integration)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// found is an invitation with what it is for, all but the siblings.
func (v *Invitations) found(ctx context.Context, key string, invitation *backend.Invitation) (*Found, error) {
	if invitation == nil || !v.now().Before(invitation.ExpiresAt) {
		return nil, backend.InvitationEnded()
	}
	in, record, err := v.door.Read(ctx, invitation.Integration)
	if err != nil {
		return nil, ended(err)
	}
	subject, err := v.configurations.Subject(in)
	if err != nil {
		return nil, err
	}
	if !v.open(key, invitation, subject, record) {
		return nil, backend.InvitationEnded()
	}
	return &Found{Invitation: invitation, Key: key, Subject: subject, Record: record}, nil
}

// ended is what the end of the integration is for the person who has the link: nothing that tells
// what became of it. Other refusals pass, such as one about a group that does not agree.
func ended(err error) error {
	if backend.HasCode(err, backend.CodeUnknownIntegration) {
		return backend.InvitationEnded()
	}
	return err
}

// open reports whether an invitation can be used for an integration as it is now.
func (v *Invitations) open(key string, invitation *backend.Invitation, subject *backend.Subject, record *backend.Record) bool {
	return v.now().Before(invitation.ExpiresAt) && invitation.Integration == subject.Integration.Name &&
		invitation.Binding == subject.Binding() && record.Invited != key && !invitation.Outlived(record)
}

// List returns the open invitations, of one integration or with "" of all, in the order in
// which they were made.
func (v *Invitations) List(ctx context.Context, integration string) ([]*backend.Invitation, error) {
	all, err := v.all(ctx)
	if err != nil {
		return nil, err
	}
	var open []*backend.Invitation
	for _, one := range all {
		if integration != "" && one.Integration != integration {
			continue
		}
		if alive, err := v.alive(ctx, one); err != nil {
			return nil, err
		} else if alive {
			open = append(open, one.Invitation)
		}
	}
	return open, nil
}

// alive reports whether an invitation is open, even if it cannot be used for the moment.
func (v *Invitations) alive(ctx context.Context, one keyed) (bool, error) {
	_, err := v.found(ctx, one.key, one.Invitation)
	if backend.HasCode(err, backend.CodeInvitationEnded) {
		return false, nil
	}
	var passing *backend.Error
	if errors.As(err, &passing) {
		return true, nil
	}
	return err == nil, err
}

// Sweep removes invitations that have ended.
func (v *Invitations) Sweep(ctx context.Context) error {
	_, err := v.sweep(ctx)
	return err
}

// sweep removes what has ended and returns the others.
func (v *Invitations) sweep(ctx context.Context) ([]keyed, error) {
	all, err := v.all(ctx)
	if err != nil {
		return nil, err
	}
	open := all[:0]
	for _, one := range all {
		alive, err := v.alive(ctx, one)
		if err == nil && !alive {
			err = v.end(ctx, one.key)
		}
		if err != nil {
			return nil, err
		}
		if alive {
			open = append(open, one)
		}
	}
	return open, nil
}
