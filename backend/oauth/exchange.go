package oauth

import (
	"context"
	"errors"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/ask"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Reauth is a re-authentication whose credential is issued for a code. From the
// moment that the state is taken it goes on even if the request goes away: the code
// works once, and what it was good for must not be lost. Vault's own client sends a
// request again that was answered with a 502: it is told the same as before.
func (c *Consents) Reauth(ctx context.Context, name string, code, state providers.Secret, who backend.Actor) (*backend.Change, error) {
	if _, err := c.flows.find(ctx, state); err != nil {
		return nil, c.endings.of(state, code, name, c.now(), err) // without waiting for a lock
	}
	held, err := c.door.Hold(ctx, name, store.Turn{Bounded: true})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	client, err := client(held.Subject)
	if err != nil {
		return nil, err
	}
	flow, err := c.flows.take(ctx, state, held.Subject)
	if err != nil {
		return nil, c.endings.of(state, code, name, c.now(), err)
	}
	edit := func(ctx context.Context, change *backend.Change) (*backend.Record, error) {
		ctx, cancel := context.WithTimeout(ctx, held.Mount.ExchangeTimeout())
		defer cancel()
		next, err := c.exchangeCode(ctx, held, client, code, flow.Verifier, change)
		if err != nil {
			return nil, err
		}
		return change.Before.Swapped(next, backend.CauseReauth, who, held.Mount.HistoryLimit), nil
	}
	change, err := c.edit(context.WithoutCancel(ctx), held, flow, edit)
	if err != nil {
		err = again(err, flow)
		c.endings.note(state, code, name, c.now(), err)
	}
	return change, err
}

// edit changes the record, by the invitation that the flow was begun by if there is one.
func (c *Consents) edit(ctx context.Context, held *credential.Held, flow *backend.Flow, edit credential.Edit) (*backend.Change, error) {
	if flow.InvitationKey == "" {
		return held.Edit(ctx, edit)
	}
	visit := c.invites.Visit(flow.InvitationKey)
	defer visit.End()
	return held.Edit(ctx, visit.Edit(held, edit))
}

// exchangeCode exchanges a code and checks what comes of it like any other credential.
func (c *Consents) exchangeCode(ctx context.Context, held *credential.Held, client providers.OAuthClient, code, verifier providers.Secret, change *backend.Change) (*backend.Stored, error) {
	asked, sent := c.now(), ask.SentWith(change.Integration, change.Before, code, verifier)
	grant, err := ask.Guarded(sent, func() (providers.Grant, error) { return client.Exchange(ctx, code, verifier) })
	if err != nil {
		return nil, held.Refused(ctx, change.Before, ofClient(err))
	}
	grant = ask.Quiet(grant, sent.Secrets...)
	next, err := held.Check(ctx, backend.Entry{Credential: backend.CredentialOf(grant)}, change)
	if err != nil {
		return nil, err
	}
	next.Access = backend.AccessOf(grant, asked)
	if next.Scopes == nil {
		next.Scopes = grant.Scopes
	}
	if !next.Refreshable() {
		next.ExpiresAt = next.Access.ExpiresAt
		change.Warnings = append(change.Warnings, "the authorization server issued no refresh token, so the credential ends with its access token, on "+next.ExpiresAt.Format(time.RFC3339))
	}
	return next, nil
}

// ofClient marks what a token endpoint refuses for what the OAuth client may ask for: that
// says nothing of the code.
func ofClient(err error) error {
	var cause *providers.Error
	if !errors.As(err, &cause) || cause.Outcome != providers.InsufficientScope {
		return err
	}
	unjudged := *cause
	unjudged.Unjudged = true
	return &unjudged
}
