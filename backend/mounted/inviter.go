package mounted

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

// inviter makes the links of notifications.
type inviter struct{ *Backend }

var _ notify.Inviter = inviter{}

// CanInvite reports whether there is an address for links.
func (b inviter) CanInvite(ctx context.Context) (bool, error) {
	mount, err := b.Mount.Read(ctx)
	if err != nil {
		return false, err
	}
	return mount.PublicAddress != "", nil
}

// Invite opens an invitation for the account that the integration has.
func (b inviter) Invite(ctx context.Context, t *notify.Target, s *notify.Subject) (url providers.Secret, until time.Time, err error) {
	mount, err := b.Mount.Read(ctx)
	if err != nil || mount.PublicAddress == "" {
		return providers.Secret{}, time.Time{}, err
	}
	opened, err := b.Invitations.Open(ctx, invite.Wish{
		Integration: s.Name, Life: invite.DefaultLife, Sender: t.Name,
		Who: backend.Actor{Via: "notify/" + t.Name, DisplayName: "notify/" + t.Name},
	})
	var refused *backend.Error
	if errors.As(err, &refused) {
		return providers.Secret{}, time.Time{}, nil // there is no account, or too many are open
	}
	if err != nil {
		return providers.Secret{}, time.Time{}, err
	}
	return invite.Link(mount.PublicAddress, t.Mount, opened.Token), opened.ExpiresAt, nil
}

// End ends links of messages.
func (b inviter) End(ctx context.Context, target, integration string) error {
	return b.Invitations.EndSent(ctx, target, integration)
}
