package sei

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		"scopes": []string{}, "expires_at": "", "reauthenticated_at": "", "reauth_supported": true, "rotate_supported": false,
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
