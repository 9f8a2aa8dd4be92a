package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// destination stands for where a credential of the integration is sent: its provider and every
// setting that locates. A record keeps that of its credential's check, and nothing is
// sent where the two differ: configuration and credential are read one
// after the other, and between the two both can be replaced. Settings without a value
// are left out, so that a later version may have more of them. Of what integrations that
// share a credential spell differently, the common form counts, and of each text what it
// means: a line break at its end is no other place, as differing has it.
func (g *groups) destination(in *backend.Integration) string {
	if destination := in.KnownDestination(); destination != "" {
		return destination
	}
	return g.destinationBy(in, providers.Settings.Means)
}

// destinationBy is destination for settings as value reads them.
func (g *groups) destinationBy(in *backend.Integration, value func(providers.Settings, providers.Field) any) string {
	spec := g.spec(in)
	shared := map[string]string{}
	if p, err := g.provider(in); err == nil {
		if sharer, ok := p.(providers.Sharer); ok {
			shared = sharer.SharedBy(in.Target(spec, &backend.Mount{}))
		}
	}
	hash := sha256.New()
	// With its length before it, no text can pass for two.
	write := func(text string) { _, _ = fmt.Fprintf(hash, "%d:%s", len(text), text) }
	write(in.Provider)
	write(in.AuthType)
	fields := spec.SettingsOf(in.AuthType)
	settings := providers.WithDefaults(fields, in.Settings)
	for _, f := range fields {
		if _, common := shared[f.Name]; f.Locates && !common && settings.Has(f) {
			write(f.Name)
			write(fmt.Sprint(value(settings, f)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		write(name)
		write(shared[name])
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:16])
}

// resolved returns the integration with its destination and the key of its record known, for
// the cache: readers of creds/ ask for both each time. It returns nil for nil.
func (g *groups) resolved(in *backend.Integration) *backend.Integration {
	if in == nil {
		return nil
	}
	anew := in.Resolved("", "")
	id, _ := g.id(anew) // unknown where this build does not have the provider
	return anew.Resolved(g.destination(anew), id)
}

// sameDestination reports whether a credential was checked where the integration leads. One that an
// earlier version stored does not tell; there is nothing that it contradicts. One of a
// version for which a line break counted is sent where it is written as it was then;
// the next check notes what counts now.
func (g *groups) sameDestination(in *backend.Integration, s *backend.Stored) bool {
	return s.Binding == "" || s.Binding == g.destination(in) || s.Binding == g.destinationBy(in, providers.Settings.Value)
}
