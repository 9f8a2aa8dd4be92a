package store

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
)

// Unknown are fields of something stored that this version does not know, by their
// names, as a newer version wrote them. They are kept beside what is known and written
// back with it, so that going back to an older plugin loses nothing. They are secret,
// because they may be. Values are immutable.
//
// They belong to what they were stored in and go with it: those of a record are kept
// as long as the record, those of a credential go when it is replaced. A copy of a
// value has them, a value that is made anew does not.
type Unknown map[string]providers.Secret

// DecodeKnown decodes an object into a pointer to a struct and returns what the struct
// has no field for.
func DecodeKnown(data []byte, into any) (Unknown, error) {
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	known := namesIn(reflect.TypeOf(into).Elem())
	var rest Unknown
	for name, value := range all {
		if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
			continue
		}
		if rest == nil {
			rest = Unknown{}
		}
		rest[name] = providers.NewSecret(string(value))
	}
	return rest, nil
}

// Encode encodes a struct and the unknown fields beside its own.
func (u Unknown) Encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(u) == 0 {
		return data, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for name, value := range u {
		all[name] = json.RawMessage(value.Reveal())
	}
	return json.Marshal(all)
}

// WithoutCredentials leaves out the values of credentials and what they belong to. In
// every version they are stored in fields called secrets, fields or something_fields, the
// last beside something: whatever that is, forgetting must erase it.
func (u Unknown) WithoutCredentials() Unknown {
	rest := maps.Clone(u)
	delete(rest, "secrets")
	for name := range u {
		if owner, ok := strings.CutSuffix(name, "_fields"); ok {
			delete(rest, name)
			delete(rest, owner)
		}
	}
	return rest
}

// HoldCredentials reports whether there is a credential among them.
func (u Unknown) HoldCredentials() bool { return len(u.WithoutCredentials()) < len(u) }

// namesIn are the names in JSON of a struct's fields, those of embedded structs too.
func namesIn(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}
