package input

import (
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Draft reads the body of a write to integrations/. The provider and auth type, those of
// the integration that exists, which is nil where none does, and else those of the body,
// decide which settings it may have. A refusal comes with what was known of the draft.
func (v Vocabulary) Draft(existing *backend.Integration, body map[string]any) (backend.Draft, error) {
	draft, err := v.providerAndAuthType(existing, body)
	if err == nil {
		draft.Settings, err = v.draftSettings(draft, body)
	}
	return draft, err
}

// providerAndAuthType finds the provider and auth type.
func (v Vocabulary) providerAndAuthType(existing *backend.Integration, body map[string]any) (backend.Draft, error) {
	if existing != nil {
		draft := backend.Draft{Provider: existing.Provider, AuthType: existing.AuthType}
		return draft, refuseTypeChange(draft, body)
	}
	provider, err := v.chooseProvider(body)
	draft := backend.Draft{Create: true, Provider: provider}
	if err != nil {
		return draft, err
	}
	draft.AuthType, err = chooseAuthType(v.registry.Spec(provider), body)
	return draft, err
}

// refuseTypeChange refuses a body that would give an integration another type.
func refuseTypeChange(draft backend.Draft, body map[string]any) error {
	var changed []string
	for name, have := range map[string]string{"provider": draft.Provider, "auth_type": draft.AuthType} {
		raw, sent := body[name]
		if value, err := Text(raw); sent && (err != nil || value != have) {
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return FieldError(backend.CodeImmutableField, changed, "%s of an integration never changes; create another integration instead")
}

func (v Vocabulary) chooseProvider(body map[string]any) (string, error) {
	raw, sent := body["provider"]
	known := strings.Join(v.registry.Names(), ", ")
	name, err := Text(raw)
	switch {
	case !sent || name == "" && err == nil:
		return "", FieldError(backend.CodeMissingField, []string{"provider"}, "%s is required: one of "+known)
	case err != nil || !slices.Contains(v.registry.Names(), name):
		return "", FieldError(backend.CodeInvalidField, []string{"provider"}, "%s must be one of "+known)
	}
	return name, nil
}

func chooseAuthType(spec providers.Spec, body map[string]any) (string, error) {
	raw, sent := body["auth_type"]
	if !sent {
		raw = spec.DefaultAuthType()
	}
	types := strings.Join(authTypes(spec), ", ")
	name, err := Text(raw)
	if err == nil && name == "" {
		return "", FieldError(backend.CodeMissingField, []string{"auth_type"}, "%s is required for "+spec.Title+": one of "+types)
	}
	if _, ok := spec.AuthType(name); err != nil || !ok {
		return "", FieldError(backend.CodeInvalidField, []string{"auth_type"}, "%s of "+spec.Title+" must be one of "+types)
	}
	return name, nil
}

// draftSettings parses the settings that a body has.
func (v Vocabulary) draftSettings(draft backend.Draft, body map[string]any) (providers.Settings, error) {
	p, ok := v.registry.Provider(draft.Provider)
	if !ok {
		return providers.Settings{}, &backend.Error{Code: backend.CodeUnknownProvider, Message: "this build does not have the provider of this integration"}
	}
	spec := p.Spec()
	fields := spec.SettingsOf(draft.AuthType)
	taken := append(TypeFields(), fields...)
	where := spec.Title + " integrations with auth_type " + draft.AuthType + " have " + FieldNames(taken)
	if err := v.Strict(body, taken, AtIntegrations, where); err != nil {
		return providers.Settings{}, err
	}
	settings, err := Settings(fields, body)
	if err != nil {
		return providers.Settings{}, err
	}
	if auth, _ := spec.AuthType(draft.AuthType); len(settings.List("required_scopes")) > 0 && !auth.TellsScopes {
		return providers.Settings{}, FieldError(backend.CodeInvalidField, []string{"required_scopes"},
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

// TypeFields returns the settings that decide which other settings there are.
func TypeFields() []providers.Field {
	return []providers.Field{
		{Name: "provider", Title: "Provider", Kind: providers.Text, Required: true, Fixed: true, Description: "The upstream's kind; see providers/. Never changes."},
		{Name: "auth_type", Title: "Authentication type", Kind: providers.Text, Fixed: true, Description: "How the credential authenticates; see providers/<provider>. Never changes. May be left out where the provider has one that supports re-authentication."},
	}
}
