package backend

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"vault-plugin-secrets-sei/providers"
)

// tries is how often a reader looks again at a configuration and a record that do not
// belong together: each time somebody must have forgotten, moved and re-authenticated.
const tries = 8

// home stands for where a credential of the integration is sent: its provider and every
// setting that locates. A record keeps that of its credential's check, and nothing is
// sent where the two differ: configuration and credential are read one
// after the other, and between the two both can be replaced. Settings without a value
// are left out, so that a later version may have more of them. Of what integrations that
// share a credential spell differently, the common form counts, and of each text what it
// means: a line break at its end is no other place, as differing has it.
func (g *groups) home(in *Integration) string {
	if in.home != "" {
		return in.home
	}
	return g.homeBy(in, providers.Settings.Means)
}

// homeBy is home for settings as value reads them.
func (g *groups) homeBy(in *Integration, value func(providers.Settings, providers.Field) any) string {
	spec := g.spec(in)
	shared := map[string]string{}
	if p, err := g.provider(in); err == nil {
		if sharer, ok := p.(providers.Sharer); ok {
			shared = sharer.SharedBy(in.target(spec, &Mount{}))
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

// settled returns the integration with its home known, for the cache: readers of creds/
// ask for it each time. It is for whoever has just made the configuration.
func (g *groups) settled(in *Integration) *Integration {
	if in != nil {
		in.home = ""
		in.home = g.home(in)
	}
	return in
}

// houses reports whether a credential was checked where the integration leads. One that an
// earlier version stored does not tell; there is nothing that it contradicts. One of a
// version for which a line break counted is at home where it is written as it was then;
// the next check notes what counts now.
func (g *groups) houses(in *Integration, s *Stored) bool {
	return s.Binding == "" || s.Binding == g.home(in) || s.Binding == g.homeBy(in, providers.Settings.Value)
}

// elsewhere refuses to send a credential that was checked at another place than the one
// where the integration leads, as after a backup that was restored in part.
func elsewhere(in *Integration, s *Stored) *Error {
	again := "re-authenticate with a write to reauth/" + in.Name
	if s.Access != nil {
		again = "consent again: write to oauth/authorize/" + in.Name
	}
	return &Error{
		Code: string(providers.AddressNotAllowed), Integration: in.Name, Provider: in.Provider,
		Message: fmt.Sprintf("the stored credential was checked at another place than the one where integration %q leads now, as after a restored backup; it is kept and not sent there, whatever allowed_hosts says; %s, or set back where the integration leads", in.Name, again),
	}
}

// together reads an integration and its record so that the credential belongs to the
// configuration. If they do not, whatever is tried, storage is not what it was: a worker
// still gets the credential with the address that it was checked at.
func (c *Credentials) together(ctx context.Context, name string) (*Integration, *Record, error) {
	for try := 1; ; try++ {
		in, record, err := c.apart(ctx, name)
		if err != nil || record.Current == nil {
			return in, record, err
		}
		bound := c.integrations.houses(in, record.Current)
		if record.Current.Binding == "" {
			// It was where the configuration led before and after it was read.
			again, err := c.integrations.Read(ctx, name)
			if err != nil {
				return nil, nil, err
			}
			bound = again == in || again.ID == in.ID && c.integrations.home(again) == c.integrations.home(in)
		}
		if bound || try == tries {
			return in, record, nil
		}
	}
}

// apart reads an integration and then its record.
func (c *Credentials) apart(ctx context.Context, name string) (*Integration, *Record, error) {
	in, err := c.integrations.Read(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	id, err := c.integrations.recordID(in)
	if err != nil {
		return nil, nil, err
	}
	record, err := c.records.load(ctx, id)
	return in, record, err
}

// athome is loadExact of the record of an integration for whoever sends what is in it,
// and holds the lock.
func (c *Credentials) athome(ctx context.Context, in *Integration, id string) (*Record, error) {
	record, err := c.records.loadExact(ctx, id)
	if err != nil {
		return nil, err
	}
	return record, c.mayLeave(in, record)
}

// mayLeave refuses to send the credential in use anywhere but where it was checked.
func (c *Credentials) mayLeave(in *Integration, record *Record) error {
	if record.Current != nil && !c.integrations.houses(in, record.Current) {
		return elsewhere(in, record.Current)
	}
	return nil
}
