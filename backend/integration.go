package backend

import (
	"encoding/json"
	"fmt"

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

// recordID is the key of the integration's credential record.
func (in *Integration) recordID() string { return in.Name }

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
