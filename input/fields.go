package input

import (
	"fmt"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Entry reads the body of a re-authentication: exactly the credential
// fields of the auth type. It quotes no value.
func (v Vocabulary) Entry(auth providers.AuthType, body map[string]any, now time.Time) (backend.Entry, error) {
	if err := v.Strict(body, auth.Fields, AtReauth, "this integration takes "+FieldNames(auth.Fields)); err != nil {
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

// Settings reads the settings that a body has; fields it does not have are
// not in the result.
func Settings(fields []providers.Field, body map[string]any) (providers.Settings, error) {
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
	return FieldError(backend.CodeMissingField, names, "%s is required and was not sent or is blank; it takes "+FieldNames(fields))
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

// FieldNames lists fields for a message, required ones marked.
func FieldNames(fields []providers.Field) string {
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
