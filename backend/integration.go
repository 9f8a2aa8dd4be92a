package backend

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vault-plugin-secrets-sei/providers"
)

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
	// home is where its credential is sent; see groups.home. "" where it was not asked.
	home    string
	unknown unknown
	// unknownKinds are those in the object of the settings: kinds of values.
	unknownKinds unknown
}

// recordID is the key of the integration's credential record: its name, or for
// integrations that share a credential, one that all of them have. The latter
// holds a slash, which no name does.
func (in *Integration) recordID(p providers.Provider, spec providers.Spec) string {
	sharer, ok := p.(providers.Sharer)
	if !ok {
		return in.Name
	}
	parts := sharer.SharedBy(in.target(spec, &Mount{}))
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

// target is where a credential of the integration is checked.
func (in *Integration) target(spec providers.Spec, mount *Mount) providers.Target {
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

// binding stands for what an authorization is begun with: where its code is sent and
// as whom, and where the browser comes back to.
func (in *Integration) binding(spec providers.Spec) string {
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

// settle notes where its credential is sent, "" for not asked. It is for whoever has just
// made the configuration.
func (in *Integration) settle(home string) { in.home = home }

// knownHome is where its credential is sent, "" where that was not asked.
func (in *Integration) knownHome() string { return in.home }

// forgetUnknownSecrets removes the secrets that only a newer version knows: they belong
// to the address that they were written for, and nobody can send them again to this
// version. It is for whoever has just made the configuration.
func (in *Integration) forgetUnknownSecrets(spec providers.Spec) {
	known := map[string]bool{}
	for _, f := range spec.SettingsOf(in.AuthType) {
		known[f.Name] = true
	}
	maps.DeleteFunc(in.Settings.Secrets, func(name string, _ providers.Secret) bool { return !known[name] })
	in.unknown = in.unknown.withoutCredentials()
}

// integrationJSON is Integration as it is stored: with the secrets, which Settings
// itself never encodes.
type integrationJSON struct {
	*Integration
	Settings json.RawMessage   `json:"settings"`
	Secrets  map[string]string `json:"secrets,omitempty"`
}

func encodeIntegration(in *Integration) ([]byte, error) {
	settings, err := in.unknownKinds.encode(in.Settings)
	if err != nil {
		return nil, err
	}
	wire := integrationJSON{Integration: in, Settings: settings, Secrets: map[string]string{}}
	for name, secret := range in.Settings.Secrets {
		wire.Secrets[name] = secret.Reveal()
	}
	return in.unknown.encode(wire)
}

// decodeIntegration demands that the name inside is the key: a record under
// another's name could send a credential to the other's host.
func decodeIntegration(key string, data []byte) (_ *Integration, err error) {
	wire := integrationJSON{Integration: &Integration{}, Settings: json.RawMessage("{}")}
	in := wire.Integration
	if in.unknown, err = decodeKnown(data, &wire); err == nil {
		in.unknownKinds, err = decodeKnown(wire.Settings, &in.Settings)
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
