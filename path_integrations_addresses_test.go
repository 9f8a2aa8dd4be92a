package sei

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// misread are hosts that one reader takes for bitbucket.org, or for an address that may
// not be called, and another one does not.
func misread() []string {
	return []string{
		"b\u0130tbucket.org", "bitbuc\u212aet.org", "BITBUC\u212aET.ORG", "b%C4%B0tbucket.org", "b%c4%b0tbucket.org", "b%69tbucket.org",
		"bitbucket\u3002org", "bitbucket\uff0eorg", "\uff42itbucket.org", "bitbucket.org\u200b", "bit\u00adbucket.org",
		`bitbucket.org\.evil.example.com`, "evil.example.com\\@bitbucket.org", "bitbucket.org\t", "bit\nbucket.org", "bitbucket.org ", "bitbucket.org\u00a0",
		"user@bitbucket.org", "bitbucket.org@evil.example.com", "bitbucket.org:443@evil.example.com", "[bitbucket.org]", "[::1%25lo]", "[::1%25\u0130]",
		"bitbucket.org:0", "bitbucket.org:0443", "bitbucket.org:65979", "bitbucket.org:４４３", "bitbucket..org", "bitbucket.org..", "bitbucket,org",
		"2130706433", "0x7f.1", "0x7F000001", "127.1", "0177.0.0.1", "127.0.0.1.", "１２７.0.0.1", "127。0.0.1", "[::ffff:127.0.0.1]", "localhost.", "LOCALHOST",
	}
}

// What is judged is what is called: an address that could be read in two ways is refused
// when it is written, whatever setting it is for, and nobody is called.
func TestAnAddressIsReadInOneWay(t *testing.T) {
	m := withOAuth(t)
	m.write(t, "config", body{"allowed_hosts": append([]string{"bitbucket.org", "api.bitbucket.org"}, m.world.AllowedHosts()...)})
	own := body{"client_secret": oauthTestedSecret}
	codes := []any{"invalid_field", "address_not_allowed"}
	for _, host := range misread() {
		for _, field := range []string{"url", "token_url", "authorize_url", "redirect_uri", "proxy_url"} {
			data := body{field: "https://" + host + "/x"}
			for name, value := range own {
				data[name] = value
			}
			r := m.do(t, logical.UpdateOperation, "integrations/bb", data)
			if visited := field == "authorize_url" || field == "redirect_uri"; visited && r.status == 0 {
				continue // only browsers go there: an address of this machine is fine
			}
			require.Equal(t, 400, r.status, "%s=%q", field, host)
			assert.Contains(t, codes, r.data["code"], "%s=%q: %s", field, host, r.message)
			assert.Equal(t, []string{field}, r.data["fields"], "%s=%q: %s", field, host, r.message)
		}
	}
	for _, host := range []string{"b\u0130tbucket.org", "b%C4%B0tbucket.org", "bitbuc\u212aet.org", "*.b\u0130tbucket.org", "http\u017f://bitbucket.org"} {
		r := m.refused(t, logical.UpdateOperation, "config", body{"allowed_hosts": []string{host}}, 400, "invalid_field")
		assert.Equal(t, []string{"allowed_hosts"}, r.data["fields"], host)
	}
	for _, name := range []string{"b\u0130tbucket.org", "bitbucket.org\\x", "bit bucket.org", "https://bitbucket.org", "bitbucket.org:443", "127.1"} {
		r := m.refused(t, logical.UpdateOperation, "integrations/bb", body{"tls_server_name": name, "client_secret": oauthTestedSecret}, 400, "invalid_field")
		assert.Equal(t, []string{"tls_server_name"}, r.data["fields"], name)
	}
	assert.Empty(t, m.world.Dialled())
}

// A visited address in two readings is refused, too: the browser would take the other one.
func TestABrowserIsSentNowhereElse(t *testing.T) {
	m := withOAuth(t)
	for _, field := range []string{"authorize_url", "redirect_uri"} {
		for _, address := range []string{"https://b\u0130tbucket.org/x", `https://evil.example.com\@bitbucket.org/x`, "https://b%C4%B0tbucket.org/x", "https://bitbucket.org/\u0130"} {
			r := m.refused(t, logical.UpdateOperation, "integrations/bb", body{field: address, "client_secret": oauthTestedSecret}, 400, "invalid_field")
			assert.Equal(t, []string{field}, r.data["fields"], address)
		}
	}
}

// What an earlier version stored is judged when it is used, whether a code is exchanged
// or a token renewed.
func TestAStoredAddressIsReadInOneWay(t *testing.T) {
	for _, host := range []string{"b\u0130tbucket.org", "b%C4%B0tbucket.org", "bitbuc\u212aet.org", "b%69tbucket.org"} {
		m := withOAuth(t)
		m.write(t, "config", body{"allowed_hosts": append([]string{"bitbucket.org", "api.bitbucket.org"}, m.world.AllowedHosts()...)})
		query := m.consent(t)
		m.visit(t, query, 200)
		m.ofAnEarlierVersion(t)
		for _, setting := range []string{"token_url", "url"} {
			m.restart(t, setting, "https://"+host+"/site/oauth2/access_token")
			before := len(m.world.Dialled())
			m.pass(3 * time.Hour)
			r := m.refused(t, logical.ReadOperation, "creds/bb", nil, 400, "invalid_field")
			assert.Equal(t, []string{setting}, r.data["fields"], r.message)
			m.refused(t, logical.UpdateOperation, "oauth/authorize/bb", nil, 400, "invalid_field")
			assert.Len(t, m.world.Dialled(), before, "nobody is called")
			m.restart(t, setting, "")
		}
	}
}

// restart begins with a setting as an earlier version could have stored it.
func (m *oauthMount) restart(t *testing.T, setting, value string) {
	t.Helper()
	stored, err := m.storage.Get(t.Context(), "integrations/bb")
	require.NoError(t, err)
	var in map[string]any
	require.NoError(t, json.Unmarshal(stored.Value, &in))
	texts := in["settings"].(map[string]any)["texts"].(map[string]any) //nolint:forcetypeassert // it fails if it is not
	texts[setting] = value
	stored.Value, err = json.Marshal(in)
	require.NoError(t, err)
	require.NoError(t, m.storage.Put(t.Context(), stored))
	m.engine = m.starts(t, &logical.StaticSystemView{})
}

// ofAnEarlierVersion makes the record one that does not say where it was checked.
func (m *oauthMount) ofAnEarlierVersion(t *testing.T) {
	t.Helper()
	stored, err := m.storage.Get(t.Context(), "credentials/bb")
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, json.Unmarshal(stored.Value, &record))
	delete(record["current"].(map[string]any), "binding") //nolint:forcetypeassert // it fails if it is not
	stored.Value, err = json.Marshal(record)
	require.NoError(t, err)
	require.NoError(t, m.storage.Put(t.Context(), stored))
}
