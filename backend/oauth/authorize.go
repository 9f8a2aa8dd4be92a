package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Authorization is where a person consents to the engine's access.
type Authorization struct {
	Integration *backend.Integration
	// URL is for the browser. It holds the state, so a person who has it can finish.
	URL         providers.Secret
	RedirectURI string
	ExpiresAt   time.Time
}

// Authorize begins an authorization. It sends nothing; the browser does.
func (c *Consents) Authorize(ctx context.Context, name string, who backend.Actor) (*Authorization, error) {
	return c.authorize(ctx, name, who, "")
}

// AuthorizeInvited is Authorize for a guest who has an invitation, which is used up when the
// authorization is finished for the account that it is for.
func (c *Consents) AuthorizeInvited(ctx context.Context, by *invite.Found, request backend.Actor) (*Authorization, error) {
	return c.authorize(ctx, by.Integration, by.Guest(request), by.Key)
}

func (c *Consents) authorize(ctx context.Context, name string, who backend.Actor, invitation string) (*Authorization, error) {
	in, err := c.configurations.ReadExact(ctx, name)
	if err != nil {
		return nil, err
	}
	mount, err := c.mounts.Read(ctx)
	if err != nil {
		return nil, err
	}
	subject, err := c.configurations.Subject(in)
	if err != nil {
		return nil, err
	}
	subject.Mount = mount
	client, err := client(subject)
	if err != nil {
		return nil, err
	}
	var cause *providers.Error
	if err := client.Callable(); errors.As(err, &cause) {
		return nil, backend.Refusal(in, cause, "nobody was asked to consent", nil)
	}
	flow := &backend.Flow{
		Integration: name, Binding: subject.Binding(), Verifier: backend.RandomSecret(),
		ExpiresAt: c.now().Add(flowLife).UTC().Truncate(time.Second), Actor: who, InvitationKey: invitation,
	}
	state, err := c.flows.open(ctx, flow)
	if err != nil {
		return nil, err
	}
	url := client.AuthorizeURL(state, flow.Verifier)
	return &Authorization{Integration: in, URL: providers.NewSecret(url), RedirectURI: client.RedirectURI(), ExpiresAt: flow.ExpiresAt}, nil
}

// Return finishes an authorization for the person who comes back with a browser and was
// asked: it is Reauth of the integration that the state belongs to. A code without the confirmation of
// the question changes nothing; see Ask. The history names who began. Where it fails the
// change has the integration's name alone, as far as that is known.
func (c *Consents) Return(ctx context.Context, back backend.Returned, who backend.Actor) (*backend.Change, error) {
	flow, err := c.flows.find(ctx, back.State)
	if err != nil {
		return nil, err
	}
	who.EntityID, who.DisplayName, who.Invitation = flow.EntityID, flow.DisplayName, flow.Invitation
	if back.Denied != "" {
		return nil, c.denied(ctx, flow.Integration, back)
	}
	if !flow.Confirmed(back) {
		return nil, stateInvalid()
	}
	change, err := c.Reauth(ctx, flow.Integration, back.Code, back.State, who)
	if err != nil {
		return &backend.Change{Integration: &backend.Integration{Name: flow.Integration}}, err
	}
	return change, nil
}

// denied ends a flow that came back without a code.
func (c *Consents) denied(ctx context.Context, name string, back backend.Returned) error {
	held, err := c.door.Lock(ctx, name, store.Turn{})
	if err != nil {
		return err
	}
	defer held.Release()
	flow, err := c.flows.take(ctx, back.State, held.Subject)
	if err != nil {
		return err
	}
	in := held.Integration
	e := &backend.Error{Code: backend.CodeOAuthDenied, Integration: in.Name, Provider: in.Provider, Message: "the person declined, or may not consent; nothing changed"}
	switch back.Denied {
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required":
	case "server_error", "temporarily_unavailable":
		e.Code, e.Message = string(providers.UpstreamError), "the authorization server has a fault of its own; nothing changed; try again later"
	case "invalid_scope":
		e.Code, e.Message = string(providers.InsufficientScope), "the authorization server does not grant the scopes that are asked for; nothing changed; give the OAuth client the rights that providers/ lists"
	default:
		e.Code, e.Fields = string(providers.InvalidField), []string{"client_id", "redirect_uri"}
		e.Message = "the authorization server refused the request; nothing changed; check client_id, redirect_uri and how the OAuth client is registered"
	}
	return again(e, flow)
}

// client is the OAuth client of an integration whose auth type has one.
func client(s *backend.Subject) (providers.OAuthClient, error) {
	in, auth := s.Integration, s.AuthType
	if auth.Unsupported != "" {
		return nil, backend.ReauthUnsupported(in, auth)
	}
	authorizer, ok := s.Provider.(providers.Authorizer)
	if !ok || !auth.Exchanged() {
		return nil, &backend.Error{
			Code: backend.CodeReauthUnsupported, Integration: in.Name, Provider: in.Provider,
			Message: fmt.Sprintf("integration %q authenticates by %s, which needs no browser; write its credential to reauth/%s", in.Name, in.AuthType, in.Name),
		}
	}
	if err := backend.Complete(in, s.Spec); err != nil {
		return nil, err
	}
	client, err := authorizer.OAuth(s.Target())
	var cause *providers.Error
	if errors.As(err, &cause) {
		return nil, backend.Refusal(in, cause, "nothing was sent", nil)
	}
	return client, err
}

// SweepFlows removes authorizations that nobody finished in time.
func (c *Consents) SweepFlows(ctx context.Context) error {
	_, err := c.flows.sweep(ctx)
	return err
}

// again tells how to go on after a flow that ended without a credential. Of an invitation
// that has ended there is nothing to open once more.
func again(err error, flow *backend.Flow) error {
	var e *backend.Error
	switch {
	case !errors.As(err, &e), e.Last, e.Code == backend.CodeInvitationEnded:
	case flow.InvitationKey != "":
		e.Message += "; to try again, open the link of the invitation once more"
	default:
		e.Message += "; begin again with a write to oauth/authorize/" + flow.Integration
	}
	return err
}
