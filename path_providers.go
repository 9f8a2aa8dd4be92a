package sei

import (
	"context"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/providers"
)

func (e *engine) pathProviders() []*framework.Path {
	return []*framework.Path{
		{
			Pattern: "providers/?$",
			Operations: operations(map[logical.Operation]operation{
				logical.ListOperation: {handler: e.listProviders, summary: "List the providers of this build.", verb: "list", suffix: "providers", answer: keysSchema()},
			}),
			HelpSynopsis:    "List the providers.",
			HelpDescription: "Returns the names that an integration's setting provider can have.",
		},
		{
			Pattern: "providers/" + framework.GenericNameRegex("name"),
			Fields: map[string]*framework.FieldSchema{"name": {
				Type: framework.TypeString, Required: true, Description: "Name of the provider.",
				DisplayAttrs: &framework.DisplayAttributes{Name: "Provider", Identifier: true},
			}},
			Operations: operations(map[logical.Operation]operation{
				logical.ReadOperation: {handler: e.readProvider, summary: "Read what a provider supports.", verb: "read", suffix: "provider", answer: providerSchema(), refusals: []int{404}},
			}),
			HelpSynopsis:    "Read a provider's auth types, settings and credential fields.",
			HelpDescription: "Says for each auth type which credential fields re-authentication takes, or why it is not\nsupported, and which settings an integration has.\n\n    vault read sei/providers/jira",
		},
	}
}

func (e *engine) listProviders(context.Context, call) (*logical.Response, error) {
	return logical.ListResponse(e.registry.Names()), nil
}

func (e *engine) readProvider(_ context.Context, c call) (*logical.Response, error) {
	p, ok := e.registry.Provider(c.name)
	if !ok {
		return nil, nil //nolint:nilnil // Vault's way to say 404
	}
	spec := p.Spec()
	types := map[string]any{}
	for _, auth := range spec.AuthTypes {
		types[auth.Name] = map[string]any{
			"title": auth.Title, "reauth_supported": auth.Unsupported == "", "reason": auth.Unsupported,
			"credential_fields": fieldList(auth.Fields), "settings": fieldList(auth.Settings),
		}
	}
	return answer(map[string]any{
		"name": spec.Name, "title": spec.Title, "default_url": spec.DefaultURL, "url": spec.URLHelp,
		"auth_types": types, "default_auth_type": spec.DefaultAuthType(),
		"settings":     fieldList(append(spec.Settings, providers.CommonSettings()...)),
		"least_rights": spec.LeastRights, "expiry": spec.Expiry, "rotation": spec.Rotation, "check": spec.Check,
	}), nil
}

// fieldList describes fields as data.
func fieldList(fields []providers.Field) []map[string]any {
	list := make([]map[string]any, 0, len(fields))
	for _, f := range fields {
		list = append(list, map[string]any{
			"name": f.Name, "title": f.Title, "description": f.Description,
			"required": f.Required, "secret": f.Kind.Secret(), "multiple": f.Kind == providers.Pool || f.Kind == providers.List,
			"kind": f.Kind.Name(), "values": append([]string{}, f.Values...), "default": f.Default, "fixed": f.Fixed, "locates": f.Locates,
		})
	}
	return list
}

func providerSchema() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"name":              {Type: framework.TypeString, Description: "Name of the provider."},
		"title":             {Type: framework.TypeString, Description: "The product's name."},
		"default_url":       {Type: framework.TypeString, Description: "The url of an integration that sets none."},
		"url":               {Type: framework.TypeString, Description: "What to enter as url."},
		"auth_types":        {Type: framework.TypeMap, Description: "Auth types by name."},
		"default_auth_type": {Type: framework.TypeString, Description: "The auth type of an integration that sets none; empty where auth_type is required."},
		"settings":          {Type: framework.TypeSlice, Description: "Settings of every auth type."},
		"least_rights":      {Type: framework.TypeString, Description: "Rights that a token needs to be useful."},
		"expiry":            {Type: framework.TypeString, Description: "How the engine learns when a token expires."},
		"rotation":          {Type: framework.TypeString, Description: "Whether a token can be rotated without a person, and how."},
		"check":             {Type: framework.TypeString, Description: "How a credential is checked."},
	}
}
