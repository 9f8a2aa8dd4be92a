package sei

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
)

func TestIntegrationReadsBackAsWritten(t *testing.T) {
	m := newMount(t)
	written := body{
		"provider": "github", "auth_type": "pat", "url": m.githubURL + "/", "description": "CI", "organizations": []any{"acme", "beta"},
		"labels": map[string]any{"team": "a"}, "required_scopes": []any{"repo"}, "pin_identity": true,
		"health_check_interval": json.Number("600"), "auto_rotate": false, "rotate_before": json.Number("86400"),
	}
	m.write(t, "integrations/gh", written)
	want, _ := json.Marshal(written)
	read := m.read(t, "integrations/gh")
	got := body{}
	for key := range written {
		got[key] = read[key]
	}
	have, _ := json.Marshal(got)
	assert.JSONEq(t, string(want), string(have))
	for key, value := range (body{
		"ca_cert": "", "tls_server_name": "", "proxy_url": "", "status": "needs_reauth", "version": 0, "identity": "", "fingerprint": "",
		"scopes": []string{}, "expires_at": "", "reauthenticated_at": "", "reauth_supported": true,
	}) {
		assert.Equal(t, value, read[key], key)
	}
	assert.NotContains(t, read, "cloud_id", "a setting of another provider")

	m.write(t, "integrations/gh", body{"description": "", "organizations": []any{}})
	read = m.read(t, "integrations/gh")
	assert.Empty(t, read["description"])
	assert.Equal(t, []string{}, read["organizations"])
	assert.Equal(t, map[string]string{"team": "a"}, read["labels"], "what was not sent stays")
}

func TestIntegrationTakesWhatTheCommandLineSends(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/gh", body{
		"provider": "github", "organizations": "acme, beta", "labels": []any{"team=a", "env=x=y"}, "pin_identity": "true", "health_check_interval": "10m",
	})
	read := m.read(t, "integrations/gh")
	assert.Equal(t, "pat", read["auth_type"], "the only one that supports re-authentication")
	assert.Equal(t, "https://github.com", read["url"])
	assert.Equal(t, []string{"acme", "beta"}, read["organizations"])
	assert.Equal(t, map[string]string{"team": "a", "env": "x=y"}, read["labels"])
	assert.Equal(t, true, read["pin_identity"])
	assert.Equal(t, int64(600), read["health_check_interval"])
}

func TestIntegrationRefusals(t *testing.T) {
	jira := body{"provider": "jira", "auth_type": "api_key", "url": "https://acme.atlassian.net"}
	for name, test := range map[string]struct {
		body   body
		code   string
		fields []string
	}{
		"no provider":              {body{"url": "https://x.example.com"}, "missing_field", []string{"provider"}},
		"an unknown provider":      {body{"provider": "trello"}, "invalid_field", []string{"provider"}},
		"a provider of a number":   {body{"provider": 7}, "invalid_field", []string{"provider"}},
		"no auth type of two":      {body{"provider": "jira", "url": "https://x.example.com"}, "missing_field", []string{"auth_type"}},
		"an unknown auth type":     {with(jira, "auth_type", "password"), "invalid_field", []string{"auth_type"}},
		"no url":                   {body{"provider": "jira", "auth_type": "pat"}, "missing_field", []string{"url"}},
		"a blank url":              {with(jira, "url", ""), "missing_field", []string{"url"}},
		"a credential":             {with(jira, "api_key", "canary"), "field_not_allowed", []string{"api_key"}},
		"another's setting":        {with(jira, "organizations", "x"), "field_not_allowed", []string{"organizations"}},
		"read-only state":          {with(jira, "version", 1), "field_not_allowed", []string{"version"}},
		"an unknown field":         {with(jira, "colour", "x"), "unknown_field", []string{"colour"}},
		"null":                     {with(jira, "description", nil), "invalid_field", []string{"description"}},
		"a relative url":           {with(jira, "url", "acme.atlassian.net"), "invalid_field", []string{"url"}},
		"a url with a password":    {with(jira, "url", "https://mia:canary@acme.atlassian.net"), "invalid_field", []string{"url"}},
		"a url with a query":       {with(jira, "url", "https://acme.atlassian.net?token=canary"), "invalid_field", []string{"url"}},
		"a file url":               {with(jira, "url", "file:///etc/passwd"), "invalid_field", []string{"url"}},
		"plain http":               {with(jira, "url", "http://acme.atlassian.net"), "address_not_allowed", []string{"url"}},
		"a loopback address":       {with(jira, "url", "https://127.0.0.1"), "address_not_allowed", []string{"url"}},
		"a proxy with a password":  {with(jira, "proxy_url", "http://u:canary@proxy.example.com"), "invalid_field", []string{"proxy_url"}},
		"rubbish certificates":     {with(jira, "ca_cert", "canary"), "invalid_field", []string{"ca_cert"}},
		"scopes nobody can check":  {with(jira, "required_scopes", "read:jira-work"), "invalid_field", []string{"required_scopes"}},
		"a flag of text":           {with(jira, "pin_identity", "canary"), "invalid_field", []string{"pin_identity"}},
		"a negative duration":      {with(jira, "health_check_interval", "-5"), "invalid_field", []string{"health_check_interval"}},
		"a duration of text":       {with(jira, "health_check_interval", "canary"), "invalid_field", []string{"health_check_interval"}},
		"a blank duration":         {with(jira, "health_check_interval", ""), "invalid_field", []string{"health_check_interval"}},
		"half a second":            {with(jira, "health_check_interval", "500ms"), "invalid_field", []string{"health_check_interval"}},
		"a key among certificates": {with(jira, "ca_cert", "-----BEGIN PRIVATE KEY-----\ncanary\n"), "invalid_field", []string{"ca_cert"}},
		"labels that are no pairs": {with(jira, "labels", "canary"), "invalid_field", []string{"labels"}},
		"labels of numbers":        {with(jira, "labels", map[string]any{"a": 1}), "invalid_field", []string{"labels"}},
		"a description of 1 MiB":   {with(jira, "description", strings.Repeat("canary", 200_000)), "invalid_field", []string{"description"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMount(t)
			m.write(t, "config", body{"allowed_hosts": []any{}})
			r := m.refused(t, logical.CreateOperation, "integrations/x", test.body, 400, test.code)
			assert.Equal(t, test.fields, r.data["fields"])
			assert.Equal(t, "x", r.data["integration"])
			assert.NotContains(t, r.message, "canary")
			assert.Less(t, len(r.message), 600)
			m.refused(t, logical.ReadOperation, "integrations/x", nil, 404, "unknown_integration")
		})
	}
}

func TestIntegrationLimits(t *testing.T) {
	m := newMount(t)
	many := map[string]any{}
	for i := range 10_000 {
		many[strings.Repeat("k", i%200+1)+string(rune('a'+i%26))] = "v"
	}
	m.refused(t, logical.CreateOperation, "integrations/x", body{"provider": "github", "labels": many}, 400, "invalid_field")
}

func TestWhatDecidesWhereACredentialGoesCannotChange(t *testing.T) {
	m := withJira(t)
	r := m.refused(t, logical.UpdateOperation, "integrations/jira", body{"url": "https://evil.example.com"}, 400, "credential_present")
	assert.Contains(t, r.message, "creds/jira")
	m.refused(t, logical.UpdateOperation, "integrations/jira", body{"provider": "github"}, 400, "immutable_field")
	m.refused(t, logical.UpdateOperation, "integrations/jira", body{"auth_type": "pat"}, 400, "immutable_field")
	m.write(t, "integrations/jira", body{"description": "fine", "provider": "jira", "auth_type": "api_key", "url": m.jiraURL})
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	m.write(t, "integrations/jira", body{"url": "https://acme.atlassian.net"})
}

func TestCredsAreReadyToUse(t *testing.T) {
	m := withJira(t)
	creds := m.read(t, "creds/jira")
	for key, want := range (body{
		"name": "jira", "provider": "jira", "auth_type": "api_key", "url": m.jiraURL, "version": 1, "identity": email,
		"email": email, "api_key": "key-1", "expires_at": "", "ttl": int64(300), "rotation_period": int64(300),
	}) {
		assert.Equal(t, want, creds[key], key)
	}
	assert.True(t, strings.HasPrefix(authorization(creds), "Basic "))
	in := m.read(t, "integrations/jira")
	assert.Equal(t, in["fingerprint"], creds["fingerprint"])
	assert.Equal(t, in["reauthenticated_at"], creds["last_vault_rotation"])
}

func TestCredsOfWhatIsNotThere(t *testing.T) {
	m := withJira(t)
	r := m.refused(t, logical.ReadOperation, "creds/nobody", nil, 404, "unknown_integration")
	assert.Nil(t, r.data, "clients take a 404 with data for a success")
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	m.refused(t, logical.ReadOperation, "creds/jira", nil, 404, "no_credential")
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	m.refused(t, logical.DeleteOperation, "creds/nobody", nil, 404, "unknown_integration")
	read := m.read(t, "integrations/jira")
	assert.Equal(t, "needs_reauth", read["status"])
	assert.Equal(t, 1, read["version"])
	assert.Empty(t, read["identity"])
	r = m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2"})
	assert.Equal(t, 2, r.data["version"])
	assert.Equal(t, 1, r.data["previous_version"])
}

func TestNamesThatStorageDoesNotTake(t *testing.T) {
	m := newMount(t)
	for _, name := range []string{"a..b", strings.Repeat("a", 129)} {
		r := m.refused(t, logical.CreateOperation, "integrations/"+name, body{"provider": "github"}, 400, "invalid_field")
		assert.Equal(t, []string{"name"}, r.data["fields"])
		m.refused(t, logical.ReadOperation, "integrations/"+name, nil, 404, "unknown_integration")
		m.refused(t, logical.ReadOperation, "creds/"+name, nil, 404, "unknown_integration")
		_, exists, err := m.HandleExistenceCheck(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "integrations/" + name})
		require.NoError(t, err)
		assert.False(t, exists)
	}
}

func TestWhenToReadAgain(t *testing.T) {
	now, ttl := time.Now(), 5*time.Minute
	assert.Equal(t, ttl, readAgainIn(time.Time{}, ttl, now))
	assert.Equal(t, ttl, readAgainIn(now.Add(time.Hour), ttl, now))
	assert.Equal(t, time.Minute, readAgainIn(now.Add(time.Minute), ttl, now))
	assert.Equal(t, minReadInterval, readAgainIn(now.Add(time.Second), ttl, now))
	assert.Equal(t, ttl, readAgainIn(now.Add(-time.Hour), ttl, now), "asking more often does not replace it")
	assert.Equal(t, time.Second, readAgainIn(now.Add(time.Hour), time.Second, now))
}

// The url that a worker gets is the one its credential was checked at, whatever
// happens to the configuration meanwhile.
func TestCredsKeepTheURLTheyWereCheckedAt(t *testing.T) {
	m := withJira(t)
	raw, err := m.storage.Get(t.Context(), "integrations/jira")
	require.NoError(t, err)
	raw.Value = []byte(strings.ReplaceAll(string(raw.Value), m.jiraURL, "https://evil.example.com"))
	require.NoError(t, m.storage.Put(t.Context(), raw))
	m.store.Invalidate("integrations/jira")
	assert.Equal(t, "https://evil.example.com", m.read(t, "integrations/jira")["url"])
	assert.Equal(t, m.jiraURL, m.read(t, "creds/jira")["url"])
}

func TestAnUpstreamCannotTurnARefusalIntoAnotherStatus(t *testing.T) {
	resp, err := refuse(logical.UpdateOperation, &backend.Error{Code: "identity_pinned", Message: consts.ErrOverloaded.Error()})
	status, _ := logical.RespondErrorCommon(&logical.Request{}, resp, err)
	assert.Equal(t, 400, status)
}

func TestHistorySaysWhoDidWhat(t *testing.T) {
	m := withJira(t)
	m.ok(t, logical.DeleteOperation, "creds/jira", nil)
	entries, _ := m.read(t, "history/jira")["entries"].([]map[string]any)
	require.Len(t, entries, 2)
	assert.Equal(t, "forget", entries[0]["cause"])
	assert.Equal(t, "creds/jira", entries[0]["via"])
	for key, want := range (body{
		"version": 1, "cause": "reauth", "via": "reauth/jira", "identity": email,
		"entity_id": "entity-1", "display_name": "token-mia", "request_id": "request-1",
	}) {
		assert.Equal(t, want, entries[1][key], key)
	}
	m.refused(t, logical.ReadOperation, "history/nobody", nil, 404, "unknown_integration")
}

func TestListAndDelete(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/gh", body{"provider": "github"})
	assert.Equal(t, []string{"gh", "jira"}, m.ok(t, logical.ListOperation, "integrations/", nil).data["keys"])
	m.ok(t, logical.DeleteOperation, "integrations/jira", nil)
	m.ok(t, logical.DeleteOperation, "integrations/jira", nil)
	assert.Equal(t, []string{"gh"}, m.ok(t, logical.ListOperation, "integrations/", nil).data["keys"])
	left, err := m.storage.List(t.Context(), "credentials/")
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestConfig(t *testing.T) {
	m := newMount(t)
	read := m.read(t, "config")
	for key, want := range (body{
		"allowed_hosts": []string{"http://127.0.0.1"}, "request_timeout": int64(30), "health_check_interval": int64(3600), "max_concurrent_checks": int64(16),
		"expiry_warning": int64(14 * 24 * 3600), "creds_ttl": int64(300), "history_limit": int64(20), "rollback_window": int64(24 * 3600),
	}) {
		assert.Equal(t, want, read[key], key)
	}
	m.write(t, "config", body{"creds_ttl": "2m", "expiry_warning": "7d"})
	read = m.read(t, "config")
	assert.Equal(t, int64(120), read["creds_ttl"])
	assert.Equal(t, int64(7*24*3600), read["expiry_warning"])
	assert.Equal(t, []string{"http://127.0.0.1"}, read["allowed_hosts"])
	m.refused(t, logical.UpdateOperation, "config", body{"creds_ttl": "soon"}, 400, "invalid_field")
	m.refused(t, logical.UpdateOperation, "config", body{"request_timeout": 0}, 400, "invalid_field")
	r := m.refused(t, logical.UpdateOperation, "config", body{"allowed_hosts": "example.com,https://mia:canary@example.com"}, 400, "invalid_field")
	assert.Contains(t, r.message, "allowed_hosts: entry 2 ")
	assert.NotContains(t, r.message, "canary")
	m.refused(t, logical.UpdateOperation, "config", body{"colour": "x"}, 400, "unknown_field")
	m.refused(t, logical.UpdateOperation, "config", body{"url": "x"}, 400, "field_not_allowed")
}

func TestProviders(t *testing.T) {
	m := newMount(t)
	assert.Equal(t, m.registry.Names(), m.ok(t, logical.ListOperation, "providers/", nil).data["keys"])
	for _, name := range m.registry.Names() {
		p := m.read(t, "providers/"+name)
		assert.Equal(t, name, p["name"])
		assert.NotEmpty(t, p["auth_types"])
	}
	assert.Equal(t, 404, m.do(t, logical.ReadOperation, "providers/trello", nil).status)
}

func TestQueriesOfReadsAreNotQuoted(t *testing.T) {
	m := withJira(t)
	for _, path := range []string{"reauth/jira", "creds/jira", "integrations/jira", "config", "history/jira"} {
		r := m.ok(t, logical.ReadOperation, path, body{"api_key": []string{"canary", "canary"}, "creds_ttl": "canary", "name": "canary"})
		assert.NotContains(t, fmt.Sprint(r), "canary", path)
	}
}

func TestExistenceDecidesBetweenCreateAndUpdate(t *testing.T) {
	m := withJira(t)
	for name, want := range map[string]bool{"jira": true, "nobody": false} {
		req := &logical.Request{Operation: logical.UpdateOperation, Path: "integrations/" + name, Storage: m.storage, Data: body{"name": []any{"canary"}}}
		checked, exists, err := m.HandleExistenceCheck(t.Context(), req)
		require.NoError(t, err)
		assert.True(t, checked)
		assert.Equal(t, want, exists)
	}
}

func TestEveryPathExplainsItself(t *testing.T) {
	m := newMount(t)
	for _, p := range paths(m.engine) {
		assert.NotEmpty(t, p.HelpSynopsis, p.Pattern)
		assert.NotEmpty(t, p.HelpDescription, p.Pattern)
		for op, handler := range p.Operations {
			props := handler.Properties()
			if op == logical.UpdateOperation || op == logical.DeleteOperation || op == logical.CreateOperation {
				assert.True(t, props.ForwardPerformanceStandby && props.ForwardPerformanceSecondary, "%s %s must forward", op, p.Pattern)
			}
		}
	}
}

func TestSecretsAreMarkedSensitive(t *testing.T) {
	m := newMount(t)
	for _, p := range paths(m.engine) {
		for _, secret := range []string{"api_key", "pat"} {
			if f := p.Fields[secret]; f != nil {
				assert.True(t, f.DisplayAttrs.Sensitive, "%s %s", p.Pattern, secret)
			}
			assertNoExistenceCheck(t, p, secret)
		}
	}
	assert.Contains(t, m.SpecialPaths().SealWrapStorage, "credentials/")
	assert.Contains(t, m.SpecialPaths().SealWrapStorage, "config")
}

// assertNoExistenceCheck: the check would convert, and quote, a secret.
func assertNoExistenceCheck(t *testing.T, p *framework.Path, secret string) {
	t.Helper()
	if p.Fields[secret] != nil {
		assert.Nil(t, p.ExistenceCheck, p.Pattern)
	}
}
