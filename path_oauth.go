package sei

import (
	"cmp"
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
)

// callbackPath is where browsers come back to, and where the page that they get there is
// confirmed. It needs no token: the state proves that an authorization was begun.
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
				logical.ReadOperation:   {handler: e.cameBack, summary: "Ask whether to finish a re-authentication in the browser.", verb: "open", suffix: "authorization", answer: callbackSchema(), refusals: []int{400, 500, 502}, active: true},
				logical.UpdateOperation: {handler: e.confirmed, summary: "Finish a re-authentication in the browser.", verb: "finish", suffix: "authorization", answer: callbackSchema(), refusals: []int{400, 500, 502}, active: true},
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

// cameBack asks whether what the browser brought is to be used, and changes nothing: pages
// are loaded again, and links opened by whatever looks at them. A refusal in the place of a
// code ends the authorization, since there is nothing to ask.
func (e *engine) cameBack(ctx context.Context, c call) (*logical.Response, error) {
	back, err := input.Returned(c.body)
	back.Confirmation = providers.Secret{} // comes with the form alone
	return e.callback(ctx, c, back, err), nil
}

// confirmed takes the form of the page. A vendor that was told to send a form itself has no
// confirmation, and gets the page.
func (e *engine) confirmed(ctx context.Context, c call) (*logical.Response, error) {
	back, err := input.Returned(c.body)
	return e.callback(ctx, c, back, err), nil
}

// callback always answers with a page, because a person reads the answer. The other
// fields of the answer are for the audit log; the browser does not get them.
func (e *engine) callback(ctx context.Context, c call, back backend.Returned, err error) *logical.Response {
	var question *backend.Question
	if err == nil {
		question, err = e.store.Consents.Ask(ctx, back)
	}
	if err == nil && back.Denied == "" && back.Confirmation.Empty() {
		resp := pageResponse(e.questionOf(c, question, back).Page(), statusOK)
		return asked(resp, question)
	}
	var change *backend.Change
	if err == nil {
		change, err = e.store.Swaps.Return(ctx, back, c.actor())
	}
	e.announceReauth(ctx, change, err)
	if err != nil {
		return asked(e.unfinished(ctx, question, err), question)
	}
	resp := pageResponse(page.Done(change), statusOK)
	for name, value := range reauthData(change) {
		resp.Data[name] = value
	}
	return asked(resp, question)
}

// questionOf is the page of a question.
func (e *engine) questionOf(c call, q *backend.Question, back backend.Returned) page.Confirm {
	in, spec := q.Subject.Integration, q.Subject.Spec
	asks := page.Confirm{
		Integration: in.Name, Mount: c.MountPoint, Provider: spec.Title, Host: hostOf(in.URL(spec)),
		AskedBy: began(q.Began), Account: q.Account, InUse: q.InUse, Siblings: integrationNames(q.Siblings),
		Ends:  q.ExpiresAt.UTC().Format("15:04:05 UTC"),
		State: back.State.Reveal(), Code: back.Code.Reveal(), Confirmation: q.Confirmation.Reveal(),
	}
	if q.Invitation != nil {
		asks.AskedBy, asks.Invited = inviter(q.Invitation), true
	}
	return asks
}

// began says who began an authorization.
func began(who backend.Actor) string {
	return cmp.Or(displayed(who.DisplayName), "Somebody with access to Vault")
}

// unfinished is the page of an authorization that brought no credential.
func (e *engine) unfinished(ctx context.Context, q *backend.Question, err error) *logical.Response {
	var refusal *backend.Error
	switch {
	case errors.As(err, &refusal):
		resp := pageResponse(e.refusedReturn(ctx, q, refusal), pageStatus(refusal))
		for name, value := range refusalData(refusal) {
			resp.Data[name] = value
		}
		return resp
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return pageResponse(page.Late(), statusBroken)
	}
	e.Logger().Error("an OAuth callback failed", "error", err)
	return pageResponse(page.Broken(), statusBroken)
}

// refusedReturn explains a refusal, and whether it was the last one of an invitation.
func (e *engine) refusedReturn(ctx context.Context, q *backend.Question, refusal *backend.Error) page.Page {
	if q == nil || q.Invitation == nil || refusal.Code == backend.CodeInvitationEnded {
		return page.Refused(refusal)
	}
	if refusal.Last {
		return page.LastRefusal(refusal)
	}
	if _, err := e.store.Invitations.FindKey(ctx, q.InvitationKey); backend.HasCode(err, backend.CodeInvitationEnded) {
		return page.Ended()
	}
	return page.RefusedGuest(refusal)
}

// asked names beside a page what it is about, for the audit log.
func asked(resp *logical.Response, q *backend.Question) *logical.Response {
	if q == nil {
		return resp
	}
	resp.Data["integration"] = q.Subject.Integration.Name
	if q.Invitation != nil {
		resp.Data["invitation"], resp.Data["invited_by"] = q.Invitation.Accessor, q.Invitation.DisplayName
	}
	return resp
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

// returnSchema is the query that a browser brings, and the form of the page.
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
		input.Confirmation: {
			Type: framework.TypeString, Description: "Of the page's form: the person was asked.",
			DisplayAttrs: &framework.DisplayAttributes{Name: "Confirmation", Group: oauthGroup, Sensitive: true},
		},
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
	fields["invitation"] = &framework.FieldSchema{Type: framework.TypeString, Description: "Accessor of the invitation."}
	fields["invited_by"] = &framework.FieldSchema{Type: framework.TypeString, Description: "Display name of whoever invited."}
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
redirect_uri within ten minutes. If that is oauth/callback of this mount, a page there
asks whether to finish, and its button does; otherwise write the code and state that the
browser brought to reauth/<name>.

    vault write -f -field=authorize_url sei/oauth/authorize/bitbucket-prod
`

const callbackHelp = `
A GET takes the query with which an authorization server sends a browser back, and
answers with a page that says whose account is about to be connected to what, and who
asked for it. It changes nothing, except that one with error ends the
authorization. A POST of that page's form finishes the
re-authentication that the state belongs to. Both need no token: a state has 256 random
bits, works once, and for ten minutes.
`
