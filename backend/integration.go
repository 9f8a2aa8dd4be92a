package backend

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// SharedRecord reports whether a record id is that of a group.
func SharedRecord(id string) bool { return strings.Contains(id, "/") }

// Integration is the configuration of one connection to an upstream. It holds no
// credential of that; the secret of an OAuth client is a setting. Values are
// immutable; Integrations hands out shared ones.
type Integration struct {
	Name string `json:"name"`
	// ID is made at random when it is created: another of the same name has another.
	ID       string             `json:"id,omitempty"`
	Provider string             `json:"provider"`
	AuthType string             `json:"auth_type"`
	Settings providers.Settings `json:"settings"`
	// destination is where its credential is sent, see package config, and recordID the key
	// of its credential record; "" where it was not asked.
	destination, recordID string
	unknown               store.Unknown
	// unknownKinds are those in the object of the settings: kinds of values.
	unknownKinds store.Unknown
}

// RecordID is the key of the integration's credential record: its name, or for
// integrations that share a credential, one that all of them have. The latter
// holds a slash, which no name does.
func (in *Integration) RecordID(p providers.Provider, spec providers.Spec) string {
	if in.recordID != "" {
		return in.recordID
	}
	sharer, ok := p.(providers.Sharer)
	if !ok {
		return in.Name
	}
	parts := sharer.SharedBy(in.Target(spec, &Mount{}))
	hash := sha256.New()
	// With its length before it, no text can pass for two.
	write := func(text string) { _, _ = fmt.Fprintf(hash, "%d:%s", len(text), text) }
	write(in.AuthType)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		write(name)
		write(parts[name])
	}
	return fmt.Sprintf("%s/%x", in.Provider, hash.Sum(nil)[:16])
}

// Target is where a credential of the integration is checked.
func (in *Integration) Target(spec providers.Spec, mount *Mount) providers.Target {
	return providers.Target{
		URL:          in.URL(spec),
		AuthType:     in.AuthType,
		Settings:     in.Settings,
		AllowedHosts: mount.AllowedHosts,
		Timeout:      mount.RequestTimeout,
	}
}

// URL is the root of the upstream: the setting, or the provider's default.
func (in *Integration) URL(spec providers.Spec) string {
	if url := in.Settings.Text("url"); url != "" {
		return url
	}
	return spec.DefaultURL
}

// Binding stands for what an authorization is begun with: where its code is sent and
// as whom, and where the browser comes back to.
func (in *Integration) Binding(spec providers.Spec) string {
	hash := sha256.New()
	_, _ = fmt.Fprintln(hash, in.ID)
	fields := spec.SettingsOf(in.AuthType)
	settings := providers.WithDefaults(fields, in.Settings)
	for _, f := range fields {
		if f.Locates || f.Visited {
			value := fmt.Sprint(settings.Means(f))
			_, _ = fmt.Fprintf(hash, "%s=%d:%s", f.Name, len(value), value)
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// Resolved returns the integration with where its credential is sent and the key of its record
// noted, so that neither is worked out again; "" for not known.
func (in *Integration) Resolved(destination, recordID string) *Integration {
	after := *in
	after.destination, after.recordID = destination, recordID
	return &after
}

// KnownDestination is where its credential is sent, "" where that was not asked.
func (in *Integration) KnownDestination() string { return in.destination }

// WithoutUnknownSecrets returns the integration without the secrets that only a newer version
// knows: they belong to the address that they were written for, and nobody can send them
// again to this version.
func (in *Integration) WithoutUnknownSecrets(spec providers.Spec) *Integration {
	after := *in
	known := map[string]bool{}
	for _, f := range spec.SettingsOf(in.AuthType) {
		known[f.Name] = true
	}
	after.Settings = in.Settings.Clone()
	maps.DeleteFunc(after.Settings.Secrets, func(name string, _ providers.Secret) bool { return !known[name] })
	after.unknown = in.unknown.WithoutCredentials()
	return &after
}

// integrationJSON is Integration as it is stored: with the secrets, which Settings
// itself never encodes.
type integrationJSON struct {
	*Integration
	Settings json.RawMessage   `json:"settings"`
	Secrets  map[string]string `json:"secrets,omitempty"`
}

// EncodeIntegration encodes an integration as it is stored.
func EncodeIntegration(in *Integration) ([]byte, error) {
	settings, err := in.unknownKinds.Encode(in.Settings)
	if err != nil {
		return nil, err
	}
	wire := integrationJSON{Integration: in, Settings: settings, Secrets: map[string]string{}}
	for name, secret := range in.Settings.Secrets {
		wire.Secrets[name] = secret.Reveal()
	}
	return in.unknown.Encode(wire)
}

// DecodeIntegration demands that the name inside is the key: a record under
// another's name could send a credential to the other's host.
func DecodeIntegration(key string, data []byte) (_ *Integration, err error) {
	wire := integrationJSON{Integration: &Integration{}, Settings: json.RawMessage("{}")}
	in := wire.Integration
	if in.unknown, err = store.DecodeKnown(data, &wire); err == nil {
		in.unknownKinds, err = store.DecodeKnown(wire.Settings, &in.Settings)
	}
	if err != nil {
		return nil, errors.New("not an integration") // the decoder's message can quote what it read
	}
	if in.Name != key {
		return nil, fmt.Errorf("the record is of integration %q", in.Name)
	}
	if len(wire.Secrets) > 0 {
		in.Settings.Secrets = map[string]providers.Secret{}
	}
	for name, text := range wire.Secrets {
		in.Settings.Secrets[name] = providers.NewSecret(text)
	}
	return in, nil
}

// Merge returns the settings with changes laid over them.
func Merge(settings, changes providers.Settings) providers.Settings {
	s := settings.Clone()
	maps.Copy(s.Texts, changes.Texts)
	maps.Copy(s.Lists, changes.Lists)
	maps.Copy(s.Maps, changes.Maps)
	maps.Copy(s.Flags, changes.Flags)
	maps.Copy(s.Numbers, changes.Numbers)
	maps.Copy(s.Secrets, changes.Secrets)
	return s
}

// Complete refuses to use a configuration to which a setting has not been written yet.
func Complete(in *Integration, spec providers.Spec) error {
	missing := Lacking(in, spec, func(f providers.Field) bool { return f.Later })
	if len(missing) == 0 {
		return nil
	}
	return &Error{
		Code: CodeMissingField, Integration: in.Name, Provider: in.Provider, Fields: missing,
		Message: fmt.Sprintf("%s of integration %q is not set yet; write it to integrations/%s first", strings.Join(missing, " and "), in.Name, in.Name),
	}
}

// Lacking returns the names of required settings that match and have no value.
func Lacking(in *Integration, spec providers.Spec, match func(providers.Field) bool) []string {
	var names []string
	for _, f := range spec.SettingsOf(in.AuthType) {
		if f.Required && match(f) && !in.Settings.Has(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Demands stands for what a check of the integration demands of a credential beside that
// it works: the provider's own settings, such as the organisations that it must see. What
// is judged by what is stored, as required_scopes are, is not in it.
func (in *Integration) Demands(spec providers.Spec, auth providers.AuthType) string {
	hash := sha256.New()
	fields := slices.Concat(spec.Settings, auth.Settings)
	settings := providers.WithDefaults(fields, in.Settings)
	for _, f := range fields {
		value := fmt.Sprint(settings.Means(f))
		if f.Kind == providers.List {
			value = fmt.Sprintf("%q", slices.Sorted(slices.Values(settings.List(f.Name))))
		}
		if !f.Kind.Secret() {
			_, _ = fmt.Fprintf(hash, "%s=%d:%s", f.Name, len(value), value)
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// EqualSecrets compares two secrets, and takes the same time whatever they are.
func EqualSecrets(a, b providers.Secret) bool {
	return subtle.ConstantTimeCompare([]byte(a.Reveal()), []byte(b.Reveal())) == 1
}
