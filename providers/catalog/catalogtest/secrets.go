package catalogtest

import (
	"maps"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// Secrets returns those of all fakes, with the fake's name before the kind.
func (w *World) Secrets() []providertest.Secret {
	all := map[providertest.Secret]bool{}
	for name, f := range w.Fakes() {
		if a, ok := f.(authorizer); ok {
			for _, value := range a.Issued() {
				_, rest, _ := strings.Cut(value, "-")
				kind, _, _ := strings.Cut(rest, "-")
				all[providertest.Secret{Kind: name + " issued " + kind, Value: value}] = true
			}
		}
		for _, s := range f.Secrets() {
			all[providertest.Secret{Kind: name + " " + s.Kind, Value: s.Value}] = true
		}
	}
	secrets := make([]providertest.Secret, 0, len(all))
	for s := range maps.Keys(all) {
		secrets = append(secrets, s)
	}
	return secrets
}
