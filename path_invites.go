package sei

import (
	"context"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/invite"
	"vault-plugin-secrets-sei/input"
)

// inviteGroup is the display group of what is said of an invitation.
const inviteGroup = "Invitation"

func (e *engine) pathInvites() []*framework.Path {
	accessor := &framework.FieldSchema{
		Type: framework.TypeString, Required: true, Description: "Accessor of the invitation.",
		DisplayAttrs: &framework.DisplayAttributes{Name: "Accessor", Identifier: true},
	}
	asked := schemas(invite.Fields(), inviteGroup)
	asked["name"] = nameField()
	return []*framework.Path{
		{
			Pattern: "invites/?$",
			Operations: operations(map[logical.Operation]operation{
				logical.ListOperation: {handler: e.listInvitations, summary: "List the open invitations.", verb: "list", suffix: "invitations", answer: listedInvitations(), refusals: []int{404}},
			}),
			HelpSynopsis:    "List the open invitations.",
			HelpDescription: "Returns the accessors of all open invitations of this mount; the details say of which\nintegration, for whose account, who invited and until when.\n\n    vault list -detailed sei/invites",
		},
		{
			Pattern: "invites/" + framework.GenericNameRegex("name"),
			Fields:  asked,
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.invite, summary: "Invite somebody to re-authenticate an integration by a link.", verb: "invite", suffix: "integration", answer: invitedSchema(), refusals: []int{400, 404}, active: true},
				logical.ReadOperation:   {handler: e.readInvitations, summary: "Read the open invitations of an integration.", verb: "read", suffix: "invitations", answer: invitationsSchema(), refusals: []int{404}},
			}),
			HelpSynopsis:    "Invite somebody to re-authenticate, without an account at Vault.",
			HelpDescription: invitesHelp,
		},
		{
			Pattern: "invites/" + framework.GenericNameRegex("name") + "/" + framework.GenericNameRegex("accessor"),
			Fields:  map[string]*framework.FieldSchema{"name": nameField(), "accessor": accessor},
			Operations: operations(map[logical.Operation]operation{
				logical.DeleteOperation: {handler: e.endInvitation, summary: "End an invitation.", verb: "delete", suffix: "invitation", refusals: []int{404}, active: true},
			}),
			HelpSynopsis:    "End an invitation.",
			HelpDescription: "Its link is dead from then on, also for a credential that is being checked at that\nmoment. One that is not open is no error.\n\n    vault delete sei/invites/jira-prod/ACCESSOR",
		},
	}
}

func (e *engine) invite(ctx context.Context, c call) (*logical.Response, error) {
	fields := invite.Fields()
	if err := e.words.Strict(c.body, fields, input.AtInvites, "an invitation has "+input.FieldNames(fields)); err != nil {
		return nil, err
	}
	said, err := input.Settings(fields, c.body)
	if err != nil {
		return nil, err
	}
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	if mount.PublicAddress == "" {
		if _, err := e.store.Integrations.Read(ctx, c.name); err != nil {
			return nil, err
		}
		return nil, &backend.Error{
			Code: backend.CodeMissingField, Fields: []string{"public_address"},
			Message: "nobody said by which address people reach Vault, so there would be no link; write public_address to config first",
		}
	}
	opened, err := e.store.Invitations.Open(ctx, invite.WishOf(c.name, said, c.actor()))
	if err != nil {
		return nil, err
	}
	resp := answer(map[string]any{
		"name": opened.Integration, "url": invite.Link(mount.PublicAddress, c.MountPoint, opened.Token).Reveal(),
		"accessor": opened.Accessor, "expires_at": timestamp(opened.ExpiresAt),
	})
	if opened.Account == nil {
		resp.AddWarning("any_identity: whoever has the link can store a credential of any account that the upstream takes")
	}
	if warning := e.strandsGuest(ctx, c); warning != "" {
		resp.AddWarning(warning)
	}
	return resp, nil
}

// strandsGuest warns of an integration whose guests consent in the browser and do not come
// back here: they have no token with which to write the code anywhere. The warning is of use
// and nothing depends on it, so that an invitation is not lost over it.
func (e *engine) strandsGuest(ctx context.Context, c call) string {
	in, auth, err := e.authType(ctx, c.name)
	if err != nil || !auth.Exchanged() {
		return ""
	}
	return input.GuestRedirectWarning(in.Settings.Text("redirect_uri"), c.MountPoint, callbackPath)
}

func (e *engine) listInvitations(ctx context.Context, _ call) (*logical.Response, error) {
	open, err := e.store.Invitations.List(ctx, "")
	if err != nil {
		return nil, err
	}
	keys, info := make([]string, 0, len(open)), map[string]any{}
	for _, one := range open {
		keys, info[one.Accessor] = append(keys, one.Accessor), invitationData(one)
	}
	return logical.ListResponseWithInfo(keys, info), nil
}

func (e *engine) readInvitations(ctx context.Context, c call) (*logical.Response, error) {
	if _, err := e.store.Integrations.Read(ctx, c.name); err != nil {
		return nil, err
	}
	open, err := e.store.Invitations.List(ctx, c.name)
	if err != nil {
		return nil, err
	}
	list := make([]map[string]any, 0, len(open))
	for _, one := range open {
		list = append(list, invitationData(one))
	}
	return answer(map[string]any{"name": c.name, "invitations": list}), nil
}

// accessor is that of the path.
func (c call) accessor() string { return c.Path[strings.LastIndexByte(c.Path, '/')+1:] }

func (e *engine) endInvitation(ctx context.Context, c call) (*logical.Response, error) {
	return nil, e.store.Invitations.End(ctx, c.name, c.accessor())
}

// invitationData is an invitation for whoever may see it: not its token, which nobody has.
func invitationData(i *backend.Invitation) map[string]any {
	identity := ""
	if i.Account != nil {
		identity = i.Account.Identity
	}
	return map[string]any{
		"name": i.Integration, "accessor": i.Accessor, "identity": identity, "any_identity": i.Account == nil, "note": i.Note,
		"created_at": timestamp(i.CreatedAt), "expires_at": timestamp(i.ExpiresAt), "refusals": i.Refusals,
		"entity_id": i.EntityID, "display_name": i.DisplayName, "request_id": i.RequestID, "target": i.Sender,
	}
}

func invitedSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":       {Type: framework.TypeString, Description: "Name of the integration."},
		"url":        {Type: framework.TypeString, Description: "The link. Whoever has it can re-authenticate in your place, with a credential of the account that it is for: send it to whoever owns that account, and nobody else. It is not shown again.", DisplayAttrs: &framework.DisplayAttributes{Sensitive: true}},
		"accessor":   {Type: framework.TypeString, Description: "Names the invitation, to see and to end it; it opens nothing."},
		"expires_at": {Type: framework.TypeString, Description: "RFC 3339, when the invitation ends."},
	}
}

func listedInvitations() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"keys":     {Type: framework.TypeStringSlice, Description: "The accessors, oldest first."},
		"key_info": {Type: framework.TypeMap, Description: "Of each what a read of invites/:name says."},
	}
}

func invitationsSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":        {Type: framework.TypeString, Description: "Name of the integration."},
		"invitations": {Type: framework.TypeSlice, Description: "The open ones, oldest first: name, accessor, identity, any_identity, note, created_at, expires_at, refusals (the fifth ends it), target (of notifications, if the link went there), and entity_id, display_name and request_id of whoever invited."},
	}
}

const invitesHelp = `
A write makes a link for somebody who has no account at Vault: it opens a form that
takes a new credential of this integration, checks it at the upstream, and swaps it in,
as a write to reauth/<name> does. It works once, for ttl seconds, for a credential of
one account. To look at the form uses nothing up. The fifth credential that the
upstream refuses ends it, and so does a change of where the credential goes. Without
identity it is for the account that the integration has, and ends when the integration
gets another account, or when its credential is forgotten.

    vault write sei/config public_address=https://vault.example.com:8200
    vault write -field=url sei/invites/jira-prod note="ends on Friday"

A read lists what is open. The link itself is stored as a hash and not shown again.
`
