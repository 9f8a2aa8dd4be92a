package backend

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"vault-plugin-secrets-sei/providers"
)

// Integration is the configuration of one connection to an upstream. It holds no
// credential. Values are immutable; Integrations hands out shared ones.
type Integration struct {
	Name     string             `json:"name"`
	Provider string             `json:"provider"`
	AuthType string             `json:"auth_type"`
	Settings providers.Settings `json:"settings"`
}

// recordID is the key of the integration's credential record: its name, or for
// integrations that share a credential, one that all of them have. The latter
// holds a slash, which no name does.
func (in *Integration) recordID(p providers.Provider) string {
	sharer, ok := p.(providers.Sharer)
	if !ok {
		return in.Name
	}
	parts := sharer.SharedBy(in.target(p.Spec(), &Mount{}))
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

func encodeIntegration(in *Integration) ([]byte, error) { return json.Marshal(in) }

// decodeIntegration demands that the name inside is the key: a record under
// another's name could send a credential to the other's host.
func decodeIntegration(key string, data []byte) (*Integration, error) {
	var in Integration
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("not an integration: %w", err)
	}
	if in.Name != key {
		return nil, fmt.Errorf("the record is of integration %q", in.Name)
	}
	return &in, nil
}
