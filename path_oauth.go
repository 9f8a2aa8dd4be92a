package sei

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
)

// callbackPath is where browsers come back to. It needs no token: the state proves that an
// authorization was begun.
const callbackPath = "oauth/callback"

func (e *engine) pathOAuth() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "oauth/authorize/" + framework.GenericNameRegex("name"),
			Fields:  map[string]*framework.FieldSchema{"name": nameField()},
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.authorize, summary: "Begin a re-authentication in the browser.", verb: "authorize", suffix: "integration", answer: authorizeSchema(), refusals: []int{400, 404}, active: true},
			}),
			HelpSynopsis:    "Get the address where a person consents with a browser.",
			HelpDescription: authorizeHelp,
		},
		{
			Pattern: callbackPath,
			Fields:  returnSchema(),
			Operations: operations(map[logical.Operation]operation{
				logical.ReadOperation: {handler: e.callback, summary: "Finish a re-authentication in the browser.", verb: "finish", suffix: "authorization", answer: callbackSchema(), refusals: []int{400, 500, 502}, active: true},
			}),
			HelpSynopsis:    "Where the browser comes back to after a person has consented.",
			HelpDescription: callbackHelp,
		},
	}
}

func (e *engine) authorize(ctx context.Context, c call) (*logical.Response, error) {
	in, auth, err := e.authType(ctx, c.name)
	if err != nil {
		return nil, err
	}
	if auth.Unsupported != "" {
		return nil, backend.ReauthUnsupported(in, auth)
	}
	if err := e.words.Strict(c.body, nil, input.AtAuthorize, "this path takes no fields"); err != nil {
		return nil, about(err, in.Name, in.Provider)
	}
	begun, err := e.store.Consents.Authorize(ctx, c.name, c.actor())
	if err != nil {
		return nil, err
	}
	resp := answer(map[string]any{
		"name": in.Name, "provider": in.Provider,
		"authorize_url": begun.URL.Reveal(), "redirect_uri": begun.RedirectURI, "expires_at": timestamp(begun.ExpiresAt),
	})
	if warning := input.RedirectWarning(begun.RedirectURI, c.MountPoint, callbackPath); warning != "" {
		resp.AddWarning(warning)
	}
	return resp, nil
}

// callback always answers with a page, because a person reads the answer. The other
// fields of the answer are for the audit log; the browser does not get them.
func (e *engine) callback(ctx context.Context, c call) (*logical.Response, error) {
	back, err := input.Returned(c.body)
	var change *backend.Change
	if err == nil {
		change, err = e.store.Swaps.Return(ctx, back, c.actor())
		e.announceReauth(ctx, change, err)
	}
	var refusal *backend.Error
	switch {
	case err == nil:
		resp := pageResponse(page.Done(change), statusOK)
		for name, value := range reauthData(change) {
			resp.Data[name] = value
		}
		resp.Data["integration"] = change.Integration.Name
		return resp, nil
	case errors.As(err, &refusal):
		resp := pageResponse(page.Refused(refusal), pageStatus(refusal))
		for name, value := range refusalData(refusal) {
			resp.Data[name] = value
		}
		return resp, nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return withIntegration(pageResponse(page.Late(), statusBroken), change), nil
	}
	e.Logger().Error("an OAuth callback failed", "error", err)
	return withIntegration(pageResponse(page.Broken(), statusBroken), change), nil
}

// pageResponse answers with a page.
func pageResponse(p page.Page, status int) *logical.Response {
	return &logical.Response{
		Data: map[string]any{
			logical.HTTPContentType: "text/html; charset=utf-8", logical.HTTPRawBody: p.HTML(), logical.HTTPStatusCode: status,
		},
		Headers: p.Headers(),
	}
}

// pageStatus is the HTTP status of a refusal's page: where the integration is missing,
// the page itself is there.
func pageStatus(e *backend.Error) int {
	if status := statusOf(e); status != statusNone {
		return status
	}
	return statusRefused
}

// withIntegration names the integration beside a page, for the audit log.
func withIntegration(resp *logical.Response, change *backend.Change) *logical.Response {
	if change != nil {
		resp.Data["integration"] = change.Integration.Name
	}
	return resp
}

// returnSchema is the query that a browser brings.
func returnSchema() map[string]*framework.FieldSchema {
	field := func(title, description string, secret bool) *framework.FieldSchema {
		return &framework.FieldSchema{
			Type: framework.TypeString, Query: true, Description: description,
			DisplayAttrs: &framework.DisplayAttributes{Name: title, Group: oauthGroup, Sensitive: secret},
		}
	}
	return map[string]*framework.FieldSchema{
		providers.OAuthState: field("State", "State that the authorization was begun with.", true),
		providers.OAuthCode:  field("Authorization code", "Code of the authorization server, if the person consented.", true),
		"error":              field("Error", "Error code of RFC 6749, if there is no authorization code.", false),
	}
}

func authorizeSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":          {Type: framework.TypeString, Description: "Name of the integration."},
		"provider":      {Type: framework.TypeString, Description: "Its provider."},
		"authorize_url": {Type: framework.TypeString, Description: "Address to open in a browser. Whoever has it can consent in your place: share it with care.", DisplayAttrs: &framework.DisplayAttributes{Sensitive: true}},
		"redirect_uri":  {Type: framework.TypeString, Description: "Where the browser comes back to."},
		"expires_at":    {Type: framework.TypeString, Description: "RFC 3339, when the authorization expires."},
	}
}

// callbackSchema describes the fields of the answer beside the page, for the audit log.
func callbackSchema() map[string]*framework.FieldSchema {
	fields := reauthSchema()
	fields["code"] = &framework.FieldSchema{Type: framework.TypeString, Description: "Code of a refusal."}
	for _, name := range []string{"integration", "url"} {
		fields[name] = &framework.FieldSchema{Type: framework.TypeString, Description: "As in a refusal's data."}
	}
	for _, name := range []string{"fields", "missing", "siblings"} {
		fields[name] = &framework.FieldSchema{Type: framework.TypeStringSlice, Description: "As in a refusal's data."}
	}
	fields["retry_after"] = &framework.FieldSchema{Type: framework.TypeInt, Description: "As in a refusal's data."}
	return fields
}

const authorizeHelp = `
For integrations whose auth_type is oauth. Open authorize_url in a browser, sign in
as the account that the integration shall use, and consent. The browser comes back to
redirect_uri within ten minutes. If that is oauth/callback of this mount, the
re-authentication is finished there; otherwise write the code and state that the
browser brought to reauth/<name>.

    vault write -f -field=authorize_url sei/oauth/authorize/bitbucket-prod
`

const callbackHelp = `
Takes the query with which an authorization server sends a browser back, finishes the
re-authentication that the state belongs to, and answers with a page. It needs no
token: a state has 256 random bits, works once, and for ten minutes.
`
