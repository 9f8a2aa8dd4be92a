package ecosystem_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// endpoint does what the resource vault_generic_endpoint of Terraform's Vault provider
// does with ignore_absent_fields: it writes data_json, and takes for the state what a
// read says of the same keys.
type endpoint struct {
	path string
	data map[string]any
}

// apply writes the data.
func (e endpoint) apply(t *testing.T, s *harness.Server) {
	t.Helper()
	_, err := s.Client(t).Logical().WriteWithContext(t.Context(), e.path, e.data)
	require.NoError(t, err, "write %s", e.path)
}

// drift lists the keys that read otherwise than they were written; "gone" stands for
// an endpoint that is not there.
func (e endpoint) drift(t *testing.T, s *harness.Server) []string {
	t.Helper()
	found, err := s.Client(t).Logical().ReadWithContext(t.Context(), e.path)
	require.NoError(t, err, "read %s", e.path)
	if found == nil {
		return []string{"gone"}
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(e.data)) {
		if read, ok := found.Data[key]; ok && asJSON(t, read) != asJSON(t, e.data[key]) {
			keys = append(keys, fmt.Sprintf("%s: wrote %s, reads %s", key, asJSON(t, e.data[key]), asJSON(t, read)))
		} else if !ok {
			keys = append(keys, key+" cannot be read")
		}
	}
	return keys
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

// endpoints are the resources of the example at a mount, config first.
func endpoints(variables map[string]any, mount string) []endpoint {
	config, _ := variables["config"].(map[string]any)
	all := []endpoint{{mount + "/config", config}}
	integrations, _ := variables["integrations"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(integrations)) {
		settings, _ := integrations[name].(map[string]any)
		all = append(all, endpoint{mount + "/integrations/" + name, settings})
	}
	return all
}

// What Terraform's provider does with the example shows no change by itself: not after
// a write, nor after a re-authentication out of band. A change by another hand shows.
func TestTerraformSeesNoDrift(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei-tf")
	resources := endpoints(example(t, fakes), "sei-tf")
	kinds := map[string]bool{}
	for _, e := range resources {
		e.apply(t, server)
		assert.Empty(t, e.drift(t, server), e.path)
		kinds[fmt.Sprint(e.data["provider"], " ", e.data["auth_type"])] = true
		kinds[fmt.Sprint(e.data["provider"])] = true
	}
	for _, name := range catalog.All("test").Names() {
		assert.Contains(t, kinds, name, "the example has no integration of it")
	}

	fakes.World.JiraDataCenter.AddPAT("ada", "terraform-pat")
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei-tf/reauth/jira-data-center", map[string]any{"pat": "terraform-pat"})
	for _, e := range resources {
		assert.Empty(t, e.drift(t, server), "%s after a re-authentication", e.path)
		e.apply(t, server) // an update in place
		assert.Empty(t, e.drift(t, server), "%s after a second write", e.path)
	}
	again, err := client.ReadWithContext(t.Context(), "sei-tf/creds/jira-data-center")
	require.NoError(t, err)
	assert.Equal(t, 1, harness.VersionOf(t, again.Data), "the credential stays")

	changed := resources[slices.IndexFunc(resources, func(e endpoint) bool { return strings.HasSuffix(e.path, "/jira-cloud") })]
	harness.Write(t, client, changed.path, map[string]any{"description": "", "labels": map[string]any{}, "pin_identity": false})
	assert.Len(t, changed.drift(t, server), 3, "settings that were cleared show")
	_, err = client.DeleteWithContext(t.Context(), changed.path)
	require.NoError(t, err)
	assert.Equal(t, []string{"gone"}, changed.drift(t, server))
	changed.apply(t, server)
	assert.Empty(t, changed.drift(t, server), "made again")
}

// Every setting of every provider reads in the type and unit that it is written in.
func TestEverySettingReadsAsWritten(t *testing.T) {
	t.Parallel()
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei-all")
	registry := catalog.All("test")
	hosts := []string{"http://127.0.0.1", "https://upstream.example.com", "https://sonarcloud.io"}
	for _, provider := range registry.Names() {
		p, _ := registry.Provider(provider)
		hosts = append(hosts, p.Spec().DefaultURL)
	}
	harness.Write(t, server.Client(t).Logical(), "sei-all/config", map[string]any{"allowed_hosts": slices.DeleteFunc(hosts, func(host string) bool { return host == "" })})
	for _, provider := range registry.Names() {
		p, _ := registry.Provider(provider)
		for _, auth := range p.Spec().AuthTypes {
			e := endpoint{"sei-all/integrations/" + strings.ReplaceAll(provider+"-"+auth.Name, "_", "-"), map[string]any{"provider": provider, "auth_type": auth.Name}}
			for _, field := range p.Spec().SettingsOf(auth.Name) {
				if value, ok := valueFor(field, auth, fakes); ok {
					e.data[field.Name] = value
				}
			}
			switch provider {
			case "sonarqube":
				e.data["url"] = "https://sonarcloud.io" // a server has no organization
			case "bitbucket":
				switch auth.Name {
				case "access_token":
					delete(e.data, "project") // it and repository exclude each other
				case "pat":
					e.data["url"] = "https://upstream.example.com/bitbucket/" // Cloud has no such tokens
					delete(e.data, "workspace")                               // nor Data Center workspaces
				}
			}
			e.apply(t, server)
			assert.Empty(t, e.drift(t, server), e.path)
		}
	}
	config := endpoint{"sei-all/config", map[string]any{
		"allowed_hosts": []string{"http://127.0.0.1"}, "request_timeout": 20, "health_check_interval": 1800, "max_concurrent_checks": 8,
		"expiry_warning": 86400, "creds_ttl": 60, "history_limit": 5, "rollback_window": 3600, "max_wait": 30, "metrics_by_integration": false,
	}}
	config.apply(t, server)
	assert.Empty(t, config.drift(t, server))
}

// valueFor is a value of the field's kind as JSON has it, other than its default. A
// secret cannot be read, and scopes cannot be asked for where nobody tells them.
func valueFor(f providers.Field, auth providers.AuthType, fakes *harness.Fakes) (any, bool) {
	switch {
	case f.Kind.Secret() || f.Name == "required_scopes" && !auth.TellsScopes:
		return nil, false
	case len(f.Values) > 0:
		return f.Values[len(f.Values)-1], true
	case f.Name == "proxy_url":
		return fakes.World.ProxyURL(), true
	case f.Name == "tenant_id":
		return "contoso.onmicrosoft.com", true
	case f.Name == "rotation_schedule":
		return "0 2 * * SUN", true
	case f.Name == "url" && f.Default != "":
		return f.Default + "/", true // some take no other host
	}
	switch f.Kind {
	case providers.List:
		return []string{"beta", "alpha"}, true
	case providers.Map:
		return map[string]string{"team": "platform", "tier": "1"}, true
	case providers.Flag:
		return f.Default != "true", true
	case providers.Count, providers.Duration:
		return max(f.Min, 7200), true
	case providers.URL:
		return "https://upstream.example.com/", true
	case providers.PEM:
		return fakes.World.CAPEM(), true
	case providers.Email:
		return "ada@example.com", true
	case providers.Time:
		return "2030-01-02T03:04:05Z", true
	case providers.Text, providers.Token, providers.Pool:
	}
	return "example", true
}
