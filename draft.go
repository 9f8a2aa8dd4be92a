package sei

import (
	"context"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/providers"
)

// draft parses a write. The provider and auth type, those of the integration if it exists
// and else those of the body, decide which settings it may have.
func (e *engine) draft(ctx context.Context, c call) (backend.Draft, error) {
	draft, err := e.providerAndAuthType(ctx, c)
	if err == nil {
		draft.Settings, err = e.settings(draft, c.body)
	}
	return draft, about(err, c.name, draft.Provider)
}

// providerAndAuthType finds the provider and auth type.
func (e *engine) providerAndAuthType(ctx context.Context, c call) (backend.Draft, error) {
	in, err := e.store.Integrations.Read(ctx, c.name)
	switch {
	case err == nil:
		draft := backend.Draft{Provider: in.Provider, AuthType: in.AuthType}
		return draft, refuseTypeChange(draft, c.body)
	case !backend.HasCode(err, backend.CodeUnknownIntegration):
		return backend.Draft{}, err
	}
	draft := backend.Draft{Create: true}
	if draft.Provider, err = e.chooseProvider(c.body); err != nil {
		return draft, err
	}
	p, _ := e.registry.Provider(draft.Provider)
	draft.AuthType, err = chooseAuthType(p.Spec(), c.body)
	return draft, err
}

// refuseTypeChange refuses a body that would give an integration another type.
func refuseTypeChange(draft backend.Draft, body map[string]any) error {
	var changed []string
	for name, have := range map[string]string{"provider": draft.Provider, "auth_type": draft.AuthType} {
		raw, sent := body[name]
		if value, err := input.Text(raw); sent && (err != nil || value != have) {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return input.FieldError(backend.CodeImmutableField, changed, "%s of an integration never changes; create another integration instead")
}

func (e *engine) chooseProvider(body map[string]any) (string, error) {
	raw, sent := body["provider"]
	known := strings.Join(e.registry.Names(), ", ")
	name, err := input.Text(raw)
	switch {
	case !sent || name == "" && err == nil:
		return "", input.FieldError(backend.CodeMissingField, []string{"provider"}, "%s is required: one of "+known)
	case err != nil || !slices.Contains(e.registry.Names(), name):
		return "", input.FieldError(backend.CodeInvalidField, []string{"provider"}, "%s must be one of "+known)
	}
	return name, nil
}

func chooseAuthType(spec providers.Spec, body map[string]any) (string, error) {
	raw, sent := body["auth_type"]
	if !sent {
		raw = spec.DefaultAuthType()
	}
	types := strings.Join(authTypes(spec), ", ")
	name, err := input.Text(raw)
	if err == nil && name == "" {
		return "", input.FieldError(backend.CodeMissingField, []string{"auth_type"}, "%s is required for "+spec.Title+": one of "+types)
	}
	if _, ok := spec.AuthType(name); err != nil || !ok {
		return "", input.FieldError(backend.CodeInvalidField, []string{"auth_type"}, "%s of "+spec.Title+" must be one of "+types)
	}
	return name, nil
}

// settings parses the settings that a body has.
func (e *engine) settings(draft backend.Draft, body map[string]any) (providers.Settings, error) {
	p, ok := e.registry.Provider(draft.Provider)
	if !ok {
		return providers.Settings{}, &backend.Error{Code: backend.CodeUnknownProvider, Message: "this build does not have the provider of this integration"}
	}
	spec := p.Spec()
	fields := spec.SettingsOf(draft.AuthType)
	taken := append(typeFields(), fields...)
	where := spec.Title + " integrations with auth_type " + draft.AuthType + " have " + input.FieldNames(taken)
	if err := e.words.Strict(body, taken, input.AtIntegrations, where); err != nil {
		return providers.Settings{}, err
	}
	settings, err := input.Settings(fields, body)
	if err != nil {
		return providers.Settings{}, err
	}
	if auth, _ := spec.AuthType(draft.AuthType); len(settings.List("required_scopes")) > 0 && !auth.TellsScopes {
		return providers.Settings{}, input.FieldError(backend.CodeInvalidField, []string{"required_scopes"},
			"%s cannot be set: "+spec.Title+" does not tell which rights such a credential has, so it could never be checked")
	}
	return settings, nil
}

func authTypes(spec providers.Spec) []string {
	names := make([]string, 0, len(spec.AuthTypes))
	for _, a := range spec.AuthTypes {
		names = append(names, a.Name)
	}
	return names
}

// typeFields are the settings that decide which other settings there are.
func typeFields() []providers.Field {
	return []providers.Field{
		{Name: "provider", Title: "Provider", Kind: providers.Text, Required: true, Fixed: true, Description: "The upstream's kind; see providers/. Never changes."},
		{Name: "auth_type", Title: "Authentication type", Kind: providers.Text, Fixed: true, Description: "How the credential authenticates; see providers/<provider>. Never changes. May be left out where the provider has one that supports re-authentication."},
	}
}
