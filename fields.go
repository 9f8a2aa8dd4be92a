package sei

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// parseEntry reads the body of a re-authentication: exactly the credential
// fields of the auth type. It quotes no value.
func (v vocabulary) parseEntry(auth providers.AuthType, body map[string]any, now time.Time) (backend.Entry, error) {
	if err := v.strict(body, auth.Fields, atReauth, "this integration takes "+fieldNames(auth.Fields)); err != nil {
		return backend.Entry{}, err
	}
	if err := missing(auth.Fields, body); err != nil {
		return backend.Entry{}, err
	}
	var entry backend.Entry
	values := map[string][]providers.Secret{}
	var bad invalid
	for _, f := range auth.Fields {
		raw, sent := body[f.Name]
		if !sent {
			continue
		}
		if f.Kind == providers.Time {
			t, err := parseTime(raw, now)
			bad.note(f.Name, err)
			entry.ExpiresAt = t
			continue
		}
		secrets, err := parseSecrets(f, raw)
		bad.note(f.Name, err)
		values[f.Name] = secrets
	}
	entry.Credential = providers.NewCredential(values)
	return entry, bad.err()
}

// parseSettings reads the settings that a body has; fields it does not have are
// not in the result.
func parseSettings(fields []providers.Field, body map[string]any) (providers.Settings, error) {
	s := providers.Settings{}.Clone()
	var bad invalid
	for _, f := range fields {
		if raw, sent := body[f.Name]; sent {
			bad.note(f.Name, parseSetting(s, f, raw))
		}
	}
	return s, bad.err()
}

// missing refuses a body in which a required field is absent or blank.
func missing(fields []providers.Field, body map[string]any) error {
	var names []string
	for _, f := range fields {
		raw, sent := body[f.Name]
		if f.Required && (!sent || blank(raw)) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fieldError(backend.CodeMissingField, names, "%s is required and was not sent or is blank; it takes "+fieldNames(fields))
}

func blank(raw any) bool {
	switch value := raw.(type) {
	case string:
		return strings.TrimSpace(value) == ""
	case []any:
		return len(value) == 0
	default:
		return false
	}
}

// invalid collects the fields whose value is wrong.
type invalid struct {
	names   []string
	reasons []string
}

func (i *invalid) note(name string, err error) {
	if err != nil {
		i.names = append(i.names, name)
		i.reasons = append(i.reasons, fmt.Sprintf("%s %s", name, err))
	}
}

func (i *invalid) err() error {
	if len(i.names) == 0 {
		return nil
	}
	return &backend.Error{Code: backend.CodeInvalidField, Fields: i.names, Message: strings.Join(i.reasons, "; ")}
}

// fieldNames lists fields for a message, required ones marked.
func fieldNames(fields []providers.Field) string {
	names, legend := make([]string, 0, len(fields)), ""
	for _, f := range fields {
		if f.Required {
			names, legend = append(names, f.Name+"*"), " (* required)"
		} else {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ") + legend
}

// Display groups of fields. Settings of one provider are in a group of its title.
const (
	credentialGroup = "Credential"
	commonGroup     = "Common"
	oauthGroup      = "OAuth"
	stateGroup      = "State" // what the engine tells, as opposed to what is written
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
