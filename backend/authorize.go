package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Authorization is where a person consents to the engine's access.
type Authorization struct {
	Integration *Integration
	// URL is for the browser. It holds the state, so whoever has it can finish.
	URL         providers.Secret
	RedirectURI string
	ExpiresAt   time.Time
}

// Authorize begins an authorization. It sends nothing; the browser does.
func (c *Credentials) Authorize(ctx context.Context, name string, who Actor) (*Authorization, error) {
	in, err := c.integrations.readExact(ctx, name)
	if err != nil {
		return nil, err
	}
	mount, err := c.mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	client, err := c.client(in, mount)
	if err != nil {
		return nil, err
	}
	var cause *providers.Error
	if err := client.Callable(); errors.As(err, &cause) {
		return nil, refusal(in, cause, "nobody was asked to consent", nil)
	}
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	flow := &Flow{
		Integration: name, Binding: in.binding(provider.Spec()), Verifier: randomSecret(),
		ExpiresAt: c.now().Add(flowLife).UTC().Truncate(time.Second), Actor: who,
	}
	state, err := c.flows.open(ctx, flow)
	if err != nil {
		return nil, err
	}
	url := client.AuthorizeURL(state, flow.Verifier)
	return &Authorization{Integration: in, URL: providers.NewSecret(url), RedirectURI: client.RedirectURI(), ExpiresAt: flow.ExpiresAt}, nil
}

// Returned is what a browser brings back.
type Returned struct {
	State, Code providers.Secret
	// Denied is the code of an error that the authorization server sent in the place
	// of a code.
	Denied string
}

// Return finishes an authorization for whoever comes back with a browser: it is
// Reauth of the integration that the state belongs to. The history names who began. Where
// it fails the change has the integration's name alone, as far as that is known.
func (c *Credentials) Return(ctx context.Context, back Returned, who Actor) (*Change, error) {
	flow, err := c.flows.find(ctx, back.State)
	if err != nil {
		return nil, err
	}
	who.EntityID, who.DisplayName = flow.EntityID, flow.DisplayName
	if back.Denied != "" {
		return nil, c.denied(ctx, flow.Integration, back)
	}
	change, err := c.exchange(ctx, flow.Integration, back.Code, back.State, who)
	if err != nil {
		return &Change{Integration: &Integration{Name: flow.Integration}}, err
	}
	return change, nil
}

// denied ends a flow that came back without a code.
func (c *Credentials) denied(ctx context.Context, name string, back Returned) error {
	in, _, release, err := c.lock(ctx, turn{}, name)
	if err != nil {
		return err
	}
	defer release()
	if _, err := c.taken(ctx, back.State, in); err != nil {
		return err
	}
	e := &Error{Code: CodeOAuthDenied, Integration: in.Name, Provider: in.Provider, Message: "the person declined, or may not consent; nothing changed"}
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
	return again(e, name)
}

// taken is flows.take for the integration as it is configured.
func (c *Credentials) taken(ctx context.Context, state providers.Secret, in *Integration) (*Flow, error) {
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	return c.flows.take(ctx, state, in, in.binding(provider.Spec()))
}

// client is the OAuth client of an integration whose auth type has one.
func (c *Credentials) client(in *Integration, mount *Mount) (providers.OAuthClient, error) {
	provider, err := c.integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	spec := provider.Spec()
	auth, _ := spec.AuthType(in.AuthType)
	if auth.Unsupported != "" {
		return nil, ReauthUnsupported(in, auth)
	}
	authorizer, ok := provider.(providers.Authorizer)
	if !ok || !auth.Exchanged() {
		return nil, &Error{
			Code: CodeReauthUnsupported, Integration: in.Name, Provider: in.Provider,
			Message: fmt.Sprintf("integration %q authenticates by %s, which needs no browser; write its credential to reauth/%s", in.Name, in.AuthType, in.Name),
		}
	}
	if err := complete(in, spec); err != nil {
		return nil, err
	}
	client, err := authorizer.OAuth(in.target(spec, mount))
	var cause *providers.Error
	if errors.As(err, &cause) {
		return nil, refusal(in, cause, "nothing was sent", nil)
	}
	return client, err
}

// SweepFlows removes authorizations that nobody finished in time.
func (c *Credentials) SweepFlows(ctx context.Context) error {
	_, err := c.flows.sweep(ctx)
	return err
}

// again tells how to go on after a flow that ended without a credential.
func again(err error, name string) error {
	var e *Error
	if errors.As(err, &e) {
		e.Message += "; begin again with a write to oauth/authorize/" + name
	}
	return err
}
