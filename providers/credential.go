package providers

import (
	"maps"
	"slices"
)

// Credential is one set of credential fields, by field name. A field has one
// value, or several where the field is a pool. It is immutable and safe for
// concurrent use; printing one shows field names only.
type Credential struct {
	values map[string][]Secret
}

// NewCredential copies values; a field without values is left out.
func NewCredential(values map[string][]Secret) Credential {
	c := Credential{values: make(map[string][]Secret, len(values))}
	for name, vs := range values {
		if len(vs) > 0 {
			c.values[name] = slices.Clone(vs)
		}
	}
	return c
}

// Value returns the first value of a field, or the empty secret.
func (c Credential) Value(field string) Secret {
	if vs := c.values[field]; len(vs) > 0 {
		return vs[0]
	}
	return Secret{}
}

// Values returns all values of a field in the order they were entered.
func (c Credential) Values(field string) []Secret { return slices.Clone(c.values[field]) }

// Fields returns the names of the fields that have a value, sorted.
func (c Credential) Fields() []string { return slices.Sorted(maps.Keys(c.values)) }

// With returns a copy in which field has just these values.
func (c Credential) With(field string, values ...Secret) Credential {
	next := maps.Clone(c.values)
	if next == nil {
		next = make(map[string][]Secret, 1)
	}
	next[field] = values
	return NewCredential(next)
}

// Empty reports whether no field has a value.
func (c Credential) Empty() bool { return len(c.values) == 0 }
