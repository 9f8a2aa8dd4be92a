package input

import (
	"fmt"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// Vocabulary knows every field name of this build, so that a field sent to the
// wrong place can be told from one that does not exist.
type Vocabulary struct {
	registry    *providers.Registry
	settings    map[string]bool
	credentials map[string]bool
	state       map[string]bool // read back and never written
}

// NewVocabulary gathers the fields of all providers. state names the fields that are read
// back and never written.
func NewVocabulary(registry *providers.Registry, state []string) Vocabulary {
	v := Vocabulary{
		registry: registry,
		settings: map[string]bool{"provider": true, "auth_type": true}, credentials: map[string]bool{}, state: map[string]bool{"name": true},
	}
	for _, name := range registry.Names() {
		p, _ := registry.Provider(name)
		spec := p.Spec()
		for _, auth := range spec.AuthTypes {
			v.learn(spec.SettingsOf(auth.Name), auth)
		}
	}
	for _, name := range state {
		v.state[name] = true
	}
	return v
}

// learn adds the fields of an auth type.
func (v Vocabulary) learn(settings []providers.Field, auth providers.AuthType) {
	for _, f := range settings {
		v.settings[f.Name] = true
	}
	for _, f := range auth.Fields {
		v.credentials[f.Name] = true
	}
	for _, f := range auth.Issued {
		v.state[f.Name] = true
	}
}

// Strict refuses a body with a key that is not one of the fields: unknown keys first, then
// fields of another place. where is the end of the message: what this place takes.
func (v Vocabulary) Strict(body map[string]any, fields []providers.Field, here Place, where string) error {
	var unknown, misplaced []string
	for key := range body {
		switch {
		case slices.ContainsFunc(fields, func(f providers.Field) bool { return f.Name == key }):
		case v.settings[key], v.credentials[key], v.state[key]:
			misplaced = append(misplaced, key)
		default:
			unknown = append(unknown, printable(key))
		}
	}
	switch {
	case len(unknown) > 0:
		return FieldError(backend.CodeUnknownField, unknown, "there is no field %s; "+where)
	case len(misplaced) > 0:
		return FieldError(backend.CodeFieldNotAllowed, misplaced, "%s cannot be set here"+v.hint(misplaced, here)+"; "+where)
	default:
		return nil
	}
}

// Place is a path that takes fields, or refuses all of them.
type Place string

// The places that a refusal of a misplaced field tells apart.
const (
	AtReauth       Place = "reauth"
	AtIntegrations Place = "integrations"
	AtConfig       Place = "config"
	AtAuthorize    Place = "oauth/authorize"
	AtHealth       Place = "health"
	AtReport       Place = "report"
	AtRotate       Place = "rotate"
	AtRollback     Place = "rollback"
	AtNotify       Place = "notify"
	AtInvites      Place = "invites"
)

// hint says where misplaced fields belong, if all of them belong to the same place.
func (v Vocabulary) hint(names []string, here Place) string {
	all := func(set map[string]bool) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !set[n] })
	}
	switch {
	case here != AtReauth && all(v.credentials):
		return " (credentials go to reauth/<name>)"
	case here != AtIntegrations && all(v.settings):
		return " (settings go to integrations/<name>)"
	case all(v.state):
		return " (it is read, and never written)"
	case here == AtIntegrations && all(v.settings):
		return " (it is a setting of another provider or auth type)"
	case here == AtReauth && all(v.credentials):
		return " (it is a credential field of another provider or auth type)"
	default:
		return ""
	}
}

// FieldError is a refusal that names fields. format has one verb, for the names.
func FieldError(code string, names []string, format string) *backend.Error {
	slices.Sort(names)
	names = slices.Compact(names)
	listed := names
	const most = 10
	if len(names) > most {
		listed = append(slices.Clone(names[:most]), "others")
	}
	return &backend.Error{Code: code, Fields: names[:min(len(names), most)], Message: fmt.Sprintf(format, strings.Join(listed, ", "))}
}

// printable is a key as a message may quote it. A key that does not look like the name of
// a field, in small letters and without digits, may be a credential in the wrong place.
func printable(key string) string {
	const longest = 32
	if key == "" || len(key) > longest || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "(unprintable)"
	}
	return key
}
