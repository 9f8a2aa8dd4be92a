package oauth

import (
	"context"
	"errors"
	"slices"

	"vault-plugin-secrets-sei/backend"
)

// Ask returns what a person is asked before the code that their browser brought back is
// exchanged. It changes nothing and sends nothing, so that a page can be loaded again, and
// opened by whatever looks at links. All states that cannot be used answer alike.
func (c *Consents) Ask(ctx context.Context, back backend.Returned) (*backend.Question, error) {
	flow, err := c.flows.find(ctx, back.State)
	if err != nil {
		return nil, err
	}
	in, record, err := c.door.Read(ctx, flow.Integration)
	if err != nil {
		return nil, unusable(err)
	}
	subject, err := c.configurations.Subject(in)
	if err != nil {
		return nil, unusable(err)
	}
	if flow.Binding != subject.Binding() {
		return nil, stateInvalid()
	}
	siblings, err := c.configurations.Siblings(ctx, subject.RecordID, in)
	if err != nil {
		return nil, unusable(err)
	}
	q := &backend.Question{
		Subject: subject, Siblings: siblings, Account: pinnedTo(record, append(slices.Clone(siblings), in)),
		Began: flow.Actor, ExpiresAt: flow.ExpiresAt,
	}
	if record.Current != nil {
		q.InUse = record.Identity
	}
	if !back.Code.Empty() {
		q.Confirmation = flow.Confirmation(back.State, back.Code)
	}
	if flow.InvitationKey == "" {
		return q, nil
	}
	return c.askGuest(ctx, q, flow.InvitationKey)
}

// askGuest is the question for whoever has an invitation, which must still be open.
func (c *Consents) askGuest(ctx context.Context, q *backend.Question, key string) (*backend.Question, error) {
	found, err := c.invites.FindKey(ctx, key)
	if err != nil {
		return nil, err
	}
	q.Invitation, q.InvitationKey = found.Invitation, key
	if found.Account != nil {
		q.Account = found.Account.Identity
	}
	return q, nil
}

// pinnedTo is the account that an integration, or one that shares its record, is kept on.
func pinnedTo(record *backend.Record, all []*backend.Integration) string {
	for _, in := range all {
		if in.Settings.Flag("pin_identity") {
			return record.Identity
		}
	}
	return ""
}

// unusable is what a refusal about the integration is for whoever has the state: nothing
// that tells what became of it.
func unusable(err error) error {
	var refused *backend.Error
	if errors.As(err, &refused) {
		return stateInvalid()
	}
	return err
}
