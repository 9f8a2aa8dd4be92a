package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathReauth() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "reauth/" + framework.GenericNameRegex("name"),
			Fields:  e.credentialSchema(),
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.reauth, summary: "Re-authenticate: check a new credential at the upstream and swap it in.", verb: "reauthenticate", suffix: "integration", answer: reauthSchema(), refusals: []int{400, 404, 502}, active: true},
				logical.ReadOperation:   {handler: e.reauthForm, summary: "Read what a re-authentication of this integration takes.", verb: "read", suffix: "reauthentication-form", answer: formSchema(), refusals: []int{404}},
			}),
			HelpSynopsis:    "Re-authenticate an integration. Takes credential fields and nothing else.",
			HelpDescription: reauthHelp,
		},
		{
			Pattern: "validate/" + framework.GenericNameRegex("name"),
			Fields:  e.credentialSchema(),
			Operations: operations(map[logical.Operation]operation{
				logical.UpdateOperation: {handler: e.validate, summary: "Check a credential at the upstream and store nothing.", verb: "validate", suffix: "credential", answer: validateSchema(), refusals: []int{400, 404, 502}, active: true},
			}),
			HelpSynopsis:    "Check a credential without storing it.",
			HelpDescription: "Takes the fields of reauth/<name>, does the same checks, gives the same errors, and stores nothing.\n\n    vault write sei/validate/jira-prod email=ada@example.com api_key=-",
		},
	}
}

func (e *engine) reauth(ctx context.Context, c call) (*logical.Response, error) {
	entry, err := e.entry(ctx, c)
	if err != nil {
		return nil, err
	}
	change, err := e.store.Swaps.Reauth(ctx, c.name, entry, c.actor())
	e.announceReauth(ctx, change, err)
	if err != nil {
		return nil, err
	}
	return answer(reauthData(change), change.Warnings...), nil
}

// reauthData describes a swap.
func reauthData(change *backend.Change) map[string]any {
	data := verifiedData(change)
	data["version"] = change.After.Version
	data["previous_version"] = change.Before.Version
	data["reauthenticated_at"] = timestamp(change.After.Current.VerifiedAt)
	data["also_updated"] = integrationNames(change.Siblings)
	return data
}

func (e *engine) validate(ctx context.Context, c call) (*logical.Response, error) {
	if in, auth, err := e.authType(ctx, c.name); err != nil {
		return nil, err
	} else if auth.Exchanged() {
		return nil, backend.ValidateUnsupported(in)
	}
	entry, err := e.entry(ctx, c)
	if err != nil {
		return nil, err
	}
	change, err := e.store.Credentials.Validate(ctx, c.name, entry)
	if err != nil {
		return nil, err
	}
	data := verifiedData(change)
	data["valid"] = true
	data["version"] = change.Before.Version
	return answer(data, change.Warnings...), nil
}

func (e *engine) reauthForm(ctx context.Context, c call) (*logical.Response, error) {
	in, auth, err := e.authType(ctx, c.name)
	if err != nil {
		return nil, err
	}
	others, err := e.store.Integrations.SharedWith(ctx, in)
	if err != nil {
		return nil, err
	}
	data := map[string]any{
		"name": in.Name, "provider": in.Provider, "auth_type": in.AuthType,
		"supported": auth.Unsupported == "", "reason": auth.Unsupported,
		"fields": fieldList(auth.Fields), "also_updates": integrationNames(others),
	}
	return answer(data), nil
}

// entry parses a credential for the integration's auth type. An unknown
// integration and an unsupported auth type are refused before any field is.
func (e *engine) entry(ctx context.Context, c call) (backend.Entry, error) {
	in, auth, err := e.authType(ctx, c.name)
	if err != nil {
		return backend.Entry{}, err
	}
	if auth.Unsupported != "" {
		return backend.Entry{}, backend.ReauthUnsupported(in, auth)
	}
	entry, err := e.words.Entry(auth, c.body, e.now())
	return entry, about(err, in.Name, in.Provider)
}

func (e *engine) authType(ctx context.Context, name string) (*backend.Integration, providers.AuthType, error) {
	in, err := e.store.Integrations.Read(ctx, name)
	if err != nil {
		return nil, providers.AuthType{}, err
	}
	if _, err := e.store.Integrations.Provider(in); err != nil {
		return nil, providers.AuthType{}, err
	}
	auth, _ := e.registry.Spec(in.Provider).AuthType(in.AuthType)
	return in, auth, nil
}

// verifiedData is the part of the answer that reauth and validate share.
func verifiedData(change *backend.Change) map[string]any {
	next := change.After.Current
	return map[string]any{
		"name": change.Integration.Name, "provider": change.Integration.Provider, "auth_type": change.Integration.AuthType,
		"fingerprint": next.Fingerprint, "identity": next.Identity, "identity_changed": change.IdentityChanged,
		"scopes": append([]string{}, next.Scopes...), "scopes_known": next.Scopes != nil, "expires_at": timestamp(next.ExpiresAt),
	}
}

func integrationNames(list []*backend.Integration) []string {
	names := make([]string, 0, len(list))
	for _, in := range list {
		names = append(names, in.Name)
	}
	return names
}

// credentialSchema is every credential field of every provider, for help and OpenAPI.
func (e *engine) credentialSchema() map[string]*framework.FieldSchema {
	credentials := form{}
	e.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		credentials.add(auth.Fields, owner{spec.Title, auth.Name}, credentialGroup)
	})
	return credentials.schemas()
}

func verifiedSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":             {Type: framework.TypeString, Description: "Name of the integration."},
		"provider":         {Type: framework.TypeString, Description: "Its provider."},
		"auth_type":        {Type: framework.TypeString, Description: "Its authentication type."},
		"fingerprint":      {Type: framework.TypeString, Description: "Fingerprint of the new credential."},
		"identity":         {Type: framework.TypeString, Description: "The account it belongs to."},
		"identity_changed": {Type: framework.TypeBool, Description: "Whether that is another account than before."},
		"scopes":           {Type: framework.TypeStringSlice, Description: "Its rights, where the upstream reports them."},
		"scopes_known":     {Type: framework.TypeBool, Description: "Whether the upstream reports the rights; if not, an empty list means nothing."},
		"expires_at":       {Type: framework.TypeString, Description: "RFC 3339, empty where unknown or never."},
	}
}

func reauthSchema() map[string]*framework.FieldSchema {
	fields := verifiedSchema()
	fields["version"] = &framework.FieldSchema{Type: framework.TypeInt, Description: "Version of the new credential; unchanged if it is the credential in use."}
	fields["previous_version"] = &framework.FieldSchema{Type: framework.TypeInt, Description: "Previous version; 0 if there was none, the same as version if it is the credential in use."}
	fields["reauthenticated_at"] = &framework.FieldSchema{Type: framework.TypeString, Description: "RFC 3339."}
	fields["also_updated"] = &framework.FieldSchema{Type: framework.TypeStringSlice, Description: "Other integrations that share the credential."}
	return fields
}

func validateSchema() map[string]*framework.FieldSchema {
	fields := verifiedSchema()
	fields["valid"] = &framework.FieldSchema{Type: framework.TypeBool, Description: "Always true; a credential that does not work is an error."}
	fields["version"] = &framework.FieldSchema{Type: framework.TypeInt, Description: "Version in use, which validating does not change."}
	return fields
}

func formSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":      {Type: framework.TypeString, Description: "Name of the integration."},
		"provider":  {Type: framework.TypeString, Description: "Its provider."},
		"auth_type": {Type: framework.TypeString, Description: "Its authentication type."},
		"supported": {Type: framework.TypeBool, Description: "Whether it can be re-authenticated here."},
		"reason":    {Type: framework.TypeString, Description: "Why not, and what to do instead."},
		"fields":    {Type: framework.TypeSlice, Description: "The credential fields: name, title, description, required, secret, multiple, kind, values, default, fixed, locates."},

		"also_updates": {Type: framework.TypeStringSlice, Description: "Other integrations that share the credential, and would get a new one with it."},
	}
}

const reauthHelp = `
The new credential is checked at the real upstream. It replaces the old one, in one
write, only if it works, belongs to the account entered and sees what the settings name.
Until then, and after any error, the old one stays in use. Settings cannot be sent here.

Read this path for the fields that this integration takes. For OAuth they are the code
and the state that a browser brings back; oauth/authorize/<name> begins that.

    vault read sei/reauth/jira-prod
    vault write sei/reauth/jira-prod email=ada@example.com api_key=-

A value of - is read from standard input, which keeps it out of the shell's history. A
refusal begins with a code, such as credential_rejected, and says what stays in use.
`
