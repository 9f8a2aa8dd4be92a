package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/catalog"
)

// sent tells the secrets in what is sent to the engine, as the providers' specs and the
// path say: at reauth/ and validate/ all that is not known to be open, also what is not
// known at all; at integrations/ what is a secret's by name, or nobody's.
type sent struct {
	open, secret map[string]bool // names of fields
}

type secretSent struct{ kind, value string }

func newSent() sent {
	s := sent{open: map[string]bool{"provider": true, "auth_type": true}, secret: map[string]bool{"access_token": true, "refresh_token": true}}
	registry := catalog.All("test")
	defer registry.Close()
	for _, name := range registry.Names() {
		p, _ := registry.Provider(name)
		for _, auth := range p.Spec().AuthTypes {
			for _, f := range slices.Concat(p.Spec().SettingsOf(auth.Name), auth.Fields) {
				if f.Kind.Secret() {
					s.secret[f.Name] = true
				} else {
					s.open[f.Name] = true
				}
			}
		}
	}
	return s
}

// secrets returns those in the body of a request.
func (s sent) secrets(path string, body []byte) []secretSent {
	match := regexp.MustCompile(`^/v1/[^/]+/(reauth|validate|integrations)/[^/]+$`).FindStringSubmatch(path)
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if match == nil || decoder.Decode(&fields) != nil {
		return nil
	}
	var all []secretSent
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var kind string
		switch {
		case s.secret[name]:
			kind = fmt.Sprintf("%s sent to %s/", name, match[1])
		case !s.open[name]:
			kind = fmt.Sprintf("unknown field sent to %s/", match[1])
		default:
			continue
		}
		all = append(all, leaves(kind, fields[name])...)
	}
	return all
}

// NumberKind ends the kind of a secret that came as a number, which Vault does not hash.
const NumberKind = " as a number"

// leaves returns the texts and numbers in a value, and the parts of lists in one text.
func leaves(kind string, value any) (all []secretSent) {
	switch v := value.(type) {
	case string:
		all = append(all, secretSent{kind, v})
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == '\n' }) {
			if part != v {
				all = append(all, secretSent{kind, part})
			}
		}
	case json.Number:
		all = append(all, secretSent{kind + NumberKind, v.String()})
	case []any:
		for _, inner := range v {
			all = append(all, leaves(kind+" in a list", inner)...)
		}
	case map[string]any:
		for _, inner := range v {
			all = append(all, leaves(kind+" in an object", inner)...)
		}
	}
	return all
}
