package backend

import (
	"context"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// exchangeTimeout bounds what goes on after a request has gone: an exchange, a check
// and that of the siblings, each with the mount's request_timeout, and a write.
func exchangeTimeout(mount *Mount) time.Duration { return 3*mount.RequestTimeout + writeTimeout }

// exchange is Reauth for an auth type whose credential is issued for a code. From the
// moment that the state is taken it goes on even if the request goes away: the code
// works once, and what it was good for must not be lost. Vault's own client sends a
// request again that was answered with a 502: it is told the same as before.
func (c *Credentials) exchange(ctx context.Context, name string, code, state providers.Secret, who Actor) (*Change, error) {
	if _, err := c.flows.find(ctx, state); err != nil {
		return nil, c.endings.of(state, code, name, c.now(), err) // without waiting for a lock
	}
	held, err := c.hold(ctx, name, turn{bounded: true})
	if err != nil {
		return nil, err
	}
	defer held.release()
	in, id, mount := held.in, held.id, held.mount
	client, err := c.client(in, mount)
	if err != nil {
		return nil, err
	}
	flow, err := c.taken(ctx, state, in)
	if err != nil {
		return nil, c.endings.of(state, code, name, c.now(), err)
	}
	change, err := c.edit(context.WithoutCancel(ctx), in, id, func(ctx context.Context, change *Change) (*Record, error) {
		ctx, cancel := context.WithTimeout(ctx, exchangeTimeout(mount))
		defer cancel()
		next, err := c.issued(ctx, client, mount, code, flow.Verifier, change)
		if err != nil {
			return nil, again(err, name)
		}
		return change.Before.swapped(next, CauseReauth, who, mount.HistoryLimit), nil
	})
	if err != nil {
		c.endings.note(state, code, name, c.now(), err)
	}
	return change, err
}

// issued exchanges a code and checks what comes of it like any other credential.
func (c *Credentials) issued(ctx context.Context, client providers.OAuthClient, mount *Mount, code, verifier providers.Secret, change *Change) (*Stored, error) {
	asked, sent := c.now(), sentWith(change.Integration, change.Before, code, verifier)
	grant, err := guarded(sent, func() (providers.Grant, error) { return client.Exchange(ctx, code, verifier) })
	if err != nil {
		return nil, c.refused(ctx, change.Integration, change.Before, err, nil)
	}
	grant = quiet(grant, sent.secrets...)
	next, err := c.check(ctx, change.Integration, mount, Entry{Credential: credentialOf(grant)}, change)
	if err != nil {
		return nil, err
	}
	next.Access = accessOf(grant, asked)
	if next.Scopes == nil {
		next.Scopes = grant.Scopes
	}
	if !next.refreshable() {
		next.ExpiresAt = next.Access.ExpiresAt
		change.Warnings = append(change.Warnings, "the authorization server issued no refresh token, so the credential ends with its access token, on "+next.ExpiresAt.Format(time.RFC3339))
	}
	return next, nil
}
