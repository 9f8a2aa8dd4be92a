package sei

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathIntegrations() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "integrations/?$",
			Operations: operations(map[logical.Operation]operation{
				logical.ListOperation: {handler: e.listIntegrations, summary: "List the names of the integrations.", verb: "list", suffix: "integrations", answer: keysSchema(), refusals: []int{404}},
			}),
			HelpSynopsis:    "List the integrations.",
			HelpDescription: "Returns the names of all integrations of this mount.",
		},
		{
			Pattern: "integrations/" + framework.GenericNameRegex("name"),
			Fields:  e.integrationSchema(),
			Operations: operations(map[logical.Operation]operation{
				logical.CreateOperation: {handler: e.writeIntegration, summary: "Create an integration.", verb: "write", suffix: "integration", warns: true, refusals: []int{400}, active: true},
				logical.UpdateOperation: {handler: e.writeIntegration, summary: "Create an integration or change settings of it.", verb: "write", suffix: "integration", warns: true, refusals: []int{400}, active: true},
				logical.ReadOperation:   {handler: e.readIntegration, summary: "Read an integration's settings and state.", verb: "read", suffix: "integration", answer: e.integrationAnswer(), refusals: []int{404}},
				logical.DeleteOperation: {handler: e.deleteIntegration, summary: "Delete an integration with its credential and history.", verb: "delete", suffix: "integration", refusals: []int{404}, active: true},
			}),
			ExistenceCheck:  e.integrationExists,
			HelpSynopsis:    "Configure an integration. Never takes or returns a credential.",
			HelpDescription: integrationHelp,
		},
	}
}

func (e *engine) listIntegrations(ctx context.Context, _ call) (*logical.Response, error) {
	names, err := e.store.Integrations.List(ctx)
	if err != nil {
		return nil, err
	}
	return logical.ListResponse(names), nil
}

func (e *engine) integrationExists(ctx context.Context, _ *logical.Request, data *framework.FieldData) (bool, error) {
	name, _ := data.Get("name").(string)
	if !storable(name) {
		return false, nil
	}
	return e.store.Integrations.Exists(ctx, name)
}

func (e *engine) writeIntegration(ctx context.Context, c call) (*logical.Response, error) {
	draft, err := e.draft(ctx, c)
	if err != nil {
		return nil, err
	}
	err = e.store.Integrations.Write(ctx, c.name, draft)
	e.store.Sweeper.Configured()
	e.store.Notifier.Changed(c.name)
	if err != nil {
		return nil, err
	}
	var warnings []string
	for _, warning := range []string{input.RedirectWarning(draft.Settings.Text("redirect_uri"), c.MountPoint, callbackPath), e.windowWarning(ctx, c.name)} {
		if warning != "" {
			warnings = append(warnings, warning)
		}
	}
	if len(warnings) == 0 {
		return nil, nil //nolint:nilnil // an answer without content
	}
	return &logical.Response{Warnings: warnings}, nil
}

// windowWarning says why the rotation windows of an integration that was just written do not
// help, "" if they do or there are none. The write is done, so whatever goes wrong is not
// worth an error.
func (e *engine) windowWarning(ctx context.Context, name string) string {
	in, err := e.store.Integrations.Read(ctx, name)
	if err != nil || in.Settings.Text("rotation_schedule") == "" {
		return ""
	}
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return ""
	}
	assessed, err := e.store.Watch.Health(ctx, name)
	switch {
	case err != nil:
		return ""
	case e.exchanged(in):
		return "rotation_schedule says when auto_rotate may act; the tokens of this integration are renewed whenever that is due, and no window holds them"
	case !in.Settings.Flag("auto_rotate"):
		return "rotation_schedule says when auto_rotate may act, and auto_rotate is not set"
	case !e.store.Rotations.Supports(in, mount):
		return "rotation_schedule says when auto_rotate may act, and a credential of this integration cannot be rotated by the engine"
	}
	return e.addNext(map[string]any{}, assessed, mount)
}

// exchanged reports whether the credential of an integration is tokens that are renewed.
func (e *engine) exchanged(in *backend.Integration) bool {
	auth, _ := e.registry.Spec(in.Provider).AuthType(in.AuthType)
	return auth.Exchanged()
}

// draft parses a write, which an integration that exists gives fewer choices.
func (e *engine) draft(ctx context.Context, c call) (backend.Draft, error) {
	in, err := e.store.Integrations.Read(ctx, c.name)
	if err != nil && !backend.HasCode(err, backend.CodeUnknownIntegration) {
		return backend.Draft{}, about(err, c.name, "")
	}
	draft, err := e.words.Draft(in, c.body)
	return draft, about(err, c.name, draft.Provider)
}

func (e *engine) readIntegration(ctx context.Context, c call) (*logical.Response, error) {
	in, record, err := e.store.Credentials.Read(ctx, c.name)
	if err != nil {
		return nil, err
	}
	mount, err := e.store.Mount.Read(ctx)
	if err != nil {
		return nil, err
	}
	data, err := e.settingsOf(in, mount)
	if err != nil {
		return nil, err
	}
	return answer(data), e.addState(ctx, data, in, record, mount)
}

func (e *engine) deleteIntegration(ctx context.Context, c call) (*logical.Response, error) {
	defer e.store.Notifier.Changed(c.name)
	return nil, e.store.Integrations.Delete(ctx, c.name)
}

// setSuffix makes the name under which a secret setting reads: whether there is one.
const setSuffix = "_set"

// settingsOf is the settings of an integration with defaults, in the types in which they
// are written. For a secret it says only whether one is stored.
func (e *engine) settingsOf(in *backend.Integration, mount *backend.Mount) (map[string]any, error) {
	p, err := e.store.Integrations.Provider(in)
	if err != nil {
		return nil, err
	}
	fields := p.Spec().SettingsOf(in.AuthType)
	settings := providers.WithDefaults(fields, in.Settings)
	if _, written := in.Settings.Numbers["health_check_interval"]; !written {
		settings.Numbers["health_check_interval"] = mount.Settings.Number("health_check_interval")
	}
	data := map[string]any{"name": in.Name, "provider": in.Provider, "auth_type": in.AuthType}
	for _, f := range fields {
		if f.Kind.Secret() {
			data[f.Name+setSuffix] = settings.Has(f)
			continue
		}
		data[f.Name] = settings.Value(f)
	}
	return data, nil
}

// addState adds the state of the credential, never the credential itself.
func (e *engine) addState(ctx context.Context, data map[string]any, in *backend.Integration, record *backend.Record, mount *backend.Mount) error {
	assessed, err := e.store.Watch.Health(ctx, in.Name)
	if err != nil {
		return err
	}
	p, _ := e.registry.Provider(in.Provider)
	auth, _ := p.Spec().AuthType(in.AuthType)
	current := record.Current
	if current == nil {
		current = &backend.Stored{}
	}
	data["reauth_supported"] = auth.Unsupported == ""
	data["rotate_supported"] = e.store.Rotations.Supports(in, mount)
	data["status"] = string(assessed.Health.Status)
	data["version"] = record.Version
	data["identity"] = current.Identity
	data["fingerprint"] = current.Fingerprint
	data["scopes"], data["scopes_known"] = append([]string{}, current.Scopes...), current.Scopes != nil
	data["expires_at"] = timestamp(current.ExpiresAt)
	data["reauthenticated_at"] = timestamp(current.VerifiedAt)
	e.addNext(data, assessed, mount)
	return nil
}

// stateSchema describes what addState adds.
func stateSchema() map[string]*framework.FieldSchema {
	fields := map[string]*framework.FieldSchema{
		"reauth_supported":   {Type: framework.TypeBool, Description: "Whether reauth/ takes a credential for this integration."},
		"rotate_supported":   {Type: framework.TypeBool, Description: "Whether rotate/ can have the upstream make a successor of the credential."},
		"status":             {Type: framework.TypeString, Description: "not_checked, healthy, expiring, degraded, unreachable or needs_reauth; see health/."},
		"version":            {Type: framework.TypeInt, Description: "Counts the credentials so far; 0 before the first."},
		"identity":           {Type: framework.TypeString, Description: "The account of the credential."},
		"fingerprint":        {Type: framework.TypeString, Description: "Tells credentials apart without revealing them."},
		"scopes":             {Type: framework.TypeStringSlice, Description: "Rights of the credential, where the upstream reports them."},
		"scopes_known":       {Type: framework.TypeBool, Description: "Whether the upstream reports the rights; if not, an empty list means nothing."},
		"expires_at":         {Type: framework.TypeString, Description: "RFC 3339, empty where unknown or never."},
		"reauthenticated_at": {Type: framework.TypeString, Description: "RFC 3339, when the credential was checked and swapped in."},
	}
	maps.Copy(fields, nextSchema())
	return fields
}

// stateFields names the fields that a read of an integration has and no write takes.
func (e *engine) stateFields() []string {
	names := slices.Collect(maps.Keys(stateSchema()))
	e.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		for _, f := range spec.SettingsOf(auth.Name) {
			if f.Kind.Secret() {
				names = append(names, f.Name+setSuffix)
			}
		}
	})
	return names
}

// integrationSchema is every setting of every provider, for help and OpenAPI. Which of
// them a write accepts depends on its provider.
func (e *engine) integrationSchema() map[string]*framework.FieldSchema {
	settings := form{}
	settings.add(input.TypeFields(), owner{title: "all"}, commonGroup)
	settings.add(providers.CommonSettings(), owner{title: "all"}, commonGroup)
	e.everyAuthType(func(spec providers.Spec, auth providers.AuthType) {
		settings.add(spec.Settings, owner{title: spec.Title}, "")
		group := "" // the provider's
		if auth.Exchanged() {
			group = oauthGroup
		}
		settings.add(auth.Settings, owner{spec.Title, auth.Name}, group)
	})
	fields := settings.schemas()
	fields["provider"].AllowedValues = anys(e.registry.Names())
	fields["provider"].Description += " Required to create an integration."
	fields["url"].Description = "Root of the upstream, as copied from the browser. See providers/<provider>."
	return fields
}

func (e *engine) integrationAnswer() map[string]*framework.FieldSchema {
	fields := e.integrationSchema()
	for name, f := range stateSchema() {
		fields[name] = f
	}
	for name, f := range fields {
		if f.DisplayAttrs != nil && f.DisplayAttrs.Sensitive {
			delete(fields, name)
			fields[name+setSuffix] = &framework.FieldSchema{Type: framework.TypeBool, Description: "Whether " + name + " is stored; it is never read back."}
		}
	}
	return fields
}

// keysSchema is the answer of a list.
func keysSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{"keys": {Type: framework.TypeStringSlice, Description: "The names."}}
}

func anys(texts []string) []any {
	list := make([]any, 0, len(texts))
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

const integrationHelp = `
A write creates the integration or changes the settings it sends; the others stay
as they are. provider and auth_type never change. The settings that decide where a
credential is sent (url, ca_cert, tls_server_name, proxy_url and some of the provider's
own) cannot change while a credential is stored: delete creds/<name> first. The secret of
an OAuth client must be sent again with such a change; it is never read back.

Credentials go to reauth/<name>. Deleting an integration deletes its credential.

    vault write sei/integrations/jira-prod provider=jira auth_type=api_key \
        url=https://acme.atlassian.net

providers/<provider> says which settings there are.
`
