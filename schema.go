package sei

import (
	"github.com/hashicorp/vault/sdk/framework"

	"vault-plugin-secrets-sei/providers"
)

// Display groups of fields. Settings of one provider are in a group of its title.
const (
	credentialGroup = "Credential"
	commonGroup     = "Common"
	oauthGroup      = "OAuth"
	stateGroup      = "State" // read back, and never written
)

// schemas is the framework's form of fields, for help and OpenAPI.
func schemas(fields []providers.Field, group string) map[string]*framework.FieldSchema {
	built := make(map[string]*framework.FieldSchema, len(fields))
	for _, f := range fields {
		built[f.Name] = schema(f, group)
	}
	return built
}

func schema(f providers.Field, group string) *framework.FieldSchema {
	s := &framework.FieldSchema{
		Type:         fieldType(f.Kind),
		Description:  f.Description,
		Required:     f.Required,
		DisplayAttrs: &framework.DisplayAttributes{Name: f.Title, Group: group, Sensitive: f.Kind.Secret()},
	}
	for _, value := range f.Values {
		s.AllowedValues = append(s.AllowedValues, value)
	}
	if f.Kind == providers.PEM {
		s.DisplayAttrs.EditType = "textarea"
	}
	return s
}

func fieldType(k providers.Kind) framework.FieldType {
	switch k {
	case providers.List:
		return framework.TypeCommaStringSlice
	case providers.Map:
		return framework.TypeKVPairs
	case providers.Flag:
		return framework.TypeBool
	case providers.Count:
		return framework.TypeInt
	case providers.Duration:
		return framework.TypeDurationSecond
	case providers.Text, providers.Email, providers.URL, providers.PEM, providers.Time, providers.Token, providers.Pool:
	}
	return framework.TypeString
}

// nameField is the integration's name in a path.
func nameField() *framework.FieldSchema {
	return &framework.FieldSchema{
		Type: framework.TypeString, Required: true, Description: "Name of the integration.",
		DisplayAttrs: &framework.DisplayAttributes{Name: "Integration", Identifier: true},
	}
}
