package sei

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/page"
	"vault-plugin-secrets-sei/providers"
)

// Rows of the form of a pool: some more than there are tokens now, and never very many.
const (
	spareRows = 2
	leastRows = 4
	mostRows  = 20
)

func (e *engine) pathInvite() []*framework.Path {
	opens := operation{handler: e.openInvitation, summary: "Show the form of an invitation.", verb: "open", suffix: "invitation", answer: callbackSchema(), refusals: []int{404}, active: true}
	return []*framework.Path{{
		Pattern: invite.Path + "(?P<token>.+)",
		Fields: map[string]*framework.FieldSchema{"token": {
			Type: framework.TypeString, Required: true, Description: "Token of the invitation.",
			DisplayAttrs: &framework.DisplayAttributes{Name: "Token", Identifier: true},
		}},
		Operations: operations(map[logical.Operation]operation{
			logical.ReadOperation:   opens,
			logical.HeaderOperation: opens,
			logical.UpdateOperation: {handler: e.useInvitation, summary: "Re-authenticate by an invitation.", verb: "use", suffix: "invitation", answer: callbackSchema(), refusals: []int{400, 404, 502}, active: true},
		}),
		HelpSynopsis:    "Where whoever was invited re-authenticates, in a browser.",
		HelpDescription: inviteHelp,
	}}
}

// invitationToken is that of the path.
func (c call) invitationToken() providers.Secret {
	return providers.NewSecret(strings.TrimPrefix(c.Path, invite.Path))
}

// openInvitation shows the form. It changes nothing: chats and mail scanners open links.
func (e *engine) openInvitation(ctx context.Context, c call) (*logical.Response, error) {
	found, err := e.store.Invitations.Find(ctx, c.invitationToken())
	if err != nil {
		return e.withoutForm(err, nil), nil
	}
	return pageResponse(e.formOf(c, found).Page(), statusOK), nil
}

// useInvitation always answers with a page. The other fields of the answer are for the
// audit log; the browser does not get them.
func (e *engine) useInvitation(ctx context.Context, c call) (*logical.Response, error) {
	found, err := e.store.Invitations.Find(ctx, c.invitationToken())
	if err != nil {
		return e.withoutForm(err, nil), nil
	}
	if err := input.FormFits(c.body); err != nil {
		return e.refuseInvited(ctx, c, found, about(err, found.Integration, found.Subject.Integration.Provider)), nil
	}
	if found.Subject.AuthType.Exchanged() {
		return e.consentInvited(ctx, c, found), nil
	}
	in, body := found.Subject.Integration, input.Submitted(found.Subject.AuthType.Fields, c.body)
	entry, err := e.words.Entry(found.Subject.AuthType, body, e.now())
	err = about(err, in.Name, in.Provider)
	var change *backend.Change
	if err == nil {
		change, err = e.store.Swaps.Invited(ctx, found, entry, c.actor())
		e.announceReauth(ctx, change, err)
	}
	if err != nil {
		return e.refuseInvited(ctx, c, found, err), nil
	}
	resp := pageResponse(page.Done(change), statusOK)
	for name, value := range reauthData(change) {
		resp.Data[name] = value
	}
	return withInvitation(resp, found), nil
}

// consentInvited begins an authorization and leads the browser there.
func (e *engine) consentInvited(ctx context.Context, c call, found *invite.Found) *logical.Response {
	if err := e.words.Strict(c.body, nil, input.AtAuthorize, "the form of this invitation takes no fields"); err != nil {
		return e.refuseInvited(ctx, c, found, about(err, found.Integration, found.Subject.Integration.Provider))
	}
	begun, err := e.store.Consents.AuthorizeInvited(ctx, found, c.actor())
	if err != nil {
		return e.refuseInvited(ctx, c, found, err)
	}
	return withInvitation(pageResponse(page.Onward(found.Subject.Spec.Title, begun.URL.Reveal()), statusOK), found)
}

// refuseInvited explains a refusal in the form, or without it where the invitation has
// ended.
func (e *engine) refuseInvited(ctx context.Context, c call, found *invite.Found, err error) *logical.Response {
	var refusal *backend.Error
	if !errors.As(err, &refusal) || refusal.Code == backend.CodeInvitationEnded {
		return e.withoutForm(err, found)
	}
	if refusal.Last {
		return e.refusedPage(page.LastRefusal(refusal), refusal, found)
	}
	again, gone := e.store.Invitations.Find(ctx, c.invitationToken())
	if gone != nil {
		return e.withoutForm(gone, found) // something else has ended it meanwhile
	}
	form := e.formOf(c, again)
	form.Refusal, form.Left = refusal, backend.MaxRefusals-again.Refusals
	shown := input.Shown(found.Subject.AuthType.Fields, c.body, e.now())
	for i := range form.Fields {
		form.Fields[i].Value = shown[form.Fields[i].Name]
	}
	return e.refusedPage(form.Page(), refusal, found)
}

func (e *engine) refusedPage(p page.Page, refusal *backend.Error, found *invite.Found) *logical.Response {
	resp := pageResponse(p, pageStatus(refusal))
	for name, value := range refusalData(refusal) {
		resp.Data[name] = value
	}
	return withInvitation(resp, found)
}

// withoutForm is the page of an invitation that cannot be used, and of an attempt that was
// not carried out to the end. All that cannot be used answer alike.
func (e *engine) withoutForm(err error, found *invite.Found) *logical.Response {
	var refusal *backend.Error
	switch {
	case backend.HasCode(err, backend.CodeInvitationEnded):
		resp := pageResponse(page.Ended(), statusNone)
		resp.Data["code"] = backend.CodeInvitationEnded
		return withInvitation(resp, found)
	case errors.As(err, &refusal):
		return e.refusedPage(page.Unready(), refusal, found)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return withInvitation(pageResponse(page.Late(), statusBroken), found)
	}
	e.Logger().Error("an invitation could not be served", "error", err)
	return withInvitation(pageResponse(page.Broken(), statusBroken), found)
}

// withInvitation names the invitation beside a page, for the audit log.
func withInvitation(resp *logical.Response, found *invite.Found) *logical.Response {
	if found != nil {
		resp.Data["integration"], resp.Data["invitation"], resp.Data["invited_by"] = found.Integration, found.Accessor, found.DisplayName
	}
	return resp
}

// formOf is the form of an open invitation.
func (e *engine) formOf(c call, found *invite.Found) page.Form {
	in, spec, auth := found.Subject.Integration, found.Subject.Spec, found.Subject.AuthType
	form := page.Form{
		Integration: in.Name, Mount: c.MountPoint, Provider: spec.Title, Host: hostOf(in.URL(spec)),
		InvitedBy: inviter(found.Invitation), Note: found.Note, Ends: found.ExpiresAt.UTC().Format("2 January 2006, 15:04 UTC"),
		Rights: spec.LeastRights, Scopes: in.Settings.List("required_scopes"), MadeAt: madeAt(in, spec, auth),
		Siblings: integrationNames(found.Siblings), Stays: page.Stays(found.Record), Consent: auth.Exchanged(), Left: backend.MaxRefusals,
	}
	if found.Account != nil {
		form.Account = found.Account.Identity
	}
	if !form.Consent {
		for _, f := range auth.Fields {
			form.Fields = append(form.Fields, inputOf(f, found.Record))
		}
	}
	return form
}

// inviter says who invited.
func inviter(i *backend.Invitation) string {
	switch {
	case i.Sender != "":
		return "Vault, by " + displayed(i.DisplayName) + ","
	default:
		return began(i.Actor)
	}
}

// displayed is a name that an auth method made, as a page may show it: without what shows
// nothing or turns text around, and short.
func displayed(name string) string {
	const longest = 100
	shown := []rune(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r), providers.Invisible(r):
			return -1
		}
		return r
	}, name))
	if len(shown) > longest {
		shown = append(shown[:longest], '…')
	}
	return strings.Join(strings.Fields(string(shown)), " ")
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// inputOf is the input of a credential field.
func inputOf(f providers.Field, record *backend.Record) page.Field {
	in := page.Field{Name: f.Name, Label: cmp.Or(f.Title, f.Name), Hint: f.Description, Required: f.Required, Type: "text"}
	switch {
	case f.Kind == providers.Pool:
		in.Type, in.Rows = "password", leastRows
		if record.Current != nil {
			in.Rows = min(mostRows, max(leastRows, len(record.Current.Members)+spareRows))
		}
	case f.Kind.Secret():
		in.Type = "password"
	case f.Kind == providers.Email:
		in.Type = "email"
	case f.Kind == providers.Time:
		in.Type = "date"
	}
	return in
}

// madeAt is the page where the vendor makes such a credential, "" where there is none.
func madeAt(in *backend.Integration, spec providers.Spec, auth providers.AuthType) string {
	return auth.MakeAt(in.URL(spec), func(name string) string { return in.Settings.Text(name) })
}

const inviteHelp = `
The address of an invitation, which a write to invites/<name> makes. It needs no Vault
token. A GET shows a form, and changes nothing. A POST of the form, which is
application/x-www-form-urlencoded, does what a write to reauth/<name> does: the
credential is checked at the upstream, must be of the account that the invitation is
for, and is swapped in. That uses the invitation up. All addresses that cannot be used
answer alike.
`
