package swap

import (
	"context"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/invite"
)

// Invited is Reauth for a guest who has an invitation: the same checks, the same single Put, for
// the account that the invitation is for. A success uses it up with that Put: after a crash
// in the middle either the credential was swapped and the invitation is used, or neither. Once the
// credential can be sent the check goes on to its end: who hangs up has tried all the same.
func (s *Swaps) Invited(ctx context.Context, by *invite.Found, entry backend.Entry, request backend.Actor) (*backend.Change, error) {
	visit := s.invites.Visit(by.Key)
	defer visit.End()
	return s.door.CheckedOn(ctx, by.Integration, func(held *credential.Held) credential.Edit {
		return visit.Edit(held, s.entered(held, entry, by.Guest(request)))
	})
}
