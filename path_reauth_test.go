package sei

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers/providertest"
)

func TestReauthAnswersWhatTheContractSays(t *testing.T) {
	m := withJira(t)
	r := m.write(t, "reauth/jira", body{"email": " " + email + "\n", "api_key": "\tkey-2 ", "expires_at": "2199-03-31"})
	for key, want := range (body{
		"name": "jira", "provider": "jira", "auth_type": "api_key", "version": 2, "previous_version": 1,
		"identity": email, "identity_changed": false, "expires_at": "2199-03-31T00:00:00Z",
	}) {
		assert.Equal(t, want, r.data[key], key)
	}
	assert.Len(t, r.data["fingerprint"], 16)
	assert.NotEmpty(t, r.data["reauthenticated_at"])
	assert.Equal(t, []string{}, r.data["also_updated"])
	assert.Equal(t, "key-2", m.read(t, "creds/jira")["api_key"], "white space around it is trimmed")
}

// The form says who would get the credential, too.
func TestTheFormNamesSiblings(t *testing.T) {
	m := newMount(t)
	for name, group := range map[string]string{"ado-boards": "", "ado-repos": "", "ado-own": "own"} {
		m.write(t, "integrations/"+name, body{"provider": "azure_devops", "auth_type": "pat", "organization": "acme", "service": "boards", "credential_group": group})
	}
	assert.Equal(t, []string{"ado-repos"}, m.read(t, "reauth/ado-boards")["also_updates"])
	assert.Equal(t, []string{}, m.read(t, "reauth/ado-own")["also_updates"])
}

func TestReauthTakesCredentialFieldsOnly(t *testing.T) {
	good := body{"email": email, "api_key": "key-2"}
	for name, test := range map[string]struct {
		body   body
		code   string
		fields []string
	}{
		"a setting":                  {with(good, "url", "https://evil.example.com"), "field_not_allowed", []string{"url"}},
		"the auth type":              {with(good, "auth_type", "pat"), "field_not_allowed", []string{"auth_type"}},
		"the auth type it has":       {with(good, "auth_type", "api_key"), "field_not_allowed", []string{"auth_type"}},
		"another type's credential":  {with(good, "pat", "x"), "field_not_allowed", []string{"pat"}},
		"another provider's setting": {with(good, "organizations", "x"), "field_not_allowed", []string{"organizations"}},
		"read-only state":            {with(good, "version", 7), "field_not_allowed", []string{"version"}},
		"a name":                     {with(good, "name", "other"), "field_not_allowed", []string{"name"}},
		"an unknown field":           {with(good, "passwd", "x"), "unknown_field", []string{"passwd"}},
		"unknown before misplaced":   {with(with(good, "passwd", "x"), "url", "x"), "unknown_field", []string{"passwd"}},
		"a token as a field name":    {with(good, "ATATT3xFfGF0-canary", ""), "unknown_field", []string{"(unprintable)"}},
		"a hexadecimal token as one": {with(good, "a94a8fe5ccb19ba61c4c", ""), "unknown_field", []string{"(unprintable)"}},
		"nothing":                    {body{}, "missing_field", []string{"api_key", "email"}},
		"no key":                     {body{"email": email}, "missing_field", []string{"api_key"}},
		"a blank key":                {body{"email": email, "api_key": " \t"}, "missing_field", []string{"api_key"}},
		"a null key":                 {body{"email": email, "api_key": nil}, "invalid_field", []string{"api_key"}},
		"a list":                     {body{"email": email, "api_key": []any{"canary"}}, "invalid_field", []string{"api_key"}},
		"an object":                  {body{"email": email, "api_key": map[string]any{"canary": "canary"}}, "invalid_field", []string{"api_key"}},
		"a number":                   {body{"email": email, "api_key": json.Number("987654321")}, "invalid_field", []string{"api_key"}},
		"a boolean":                  {body{"email": email, "api_key": true}, "invalid_field", []string{"api_key"}},
		"a control character":        {body{"email": email, "api_key": "canary\x00x"}, "invalid_field", []string{"api_key"}},
		"a line break":               {body{"email": email, "api_key": "canary\r\nX-Evil: 1"}, "invalid_field", []string{"api_key"}},
		"bytes that are not text":    {body{"email": email, "api_key": "canary\xff"}, "invalid_field", []string{"api_key"}},
		"a key of 17 KiB":            {body{"email": email, "api_key": strings.Repeat("canary", 3000)}, "invalid_field", []string{"api_key"}},
		"an e-mail that is none":     {body{"email": "canary", "api_key": "key-2"}, "invalid_field", []string{"email"}},
		"an e-mail with a colon":     {body{"email": "canary:x@example.com", "api_key": "key-2"}, "invalid_field", []string{"email"}},
		"an expiry that is no date":  {with(good, "expires_at", "canary"), "invalid_field", []string{"expires_at"}},
		"a blank expiry":             {with(good, "expires_at", ""), "invalid_field", []string{"expires_at"}},
		"an expiry in the past":      {with(good, "expires_at", "2020-01-01"), "invalid_field", []string{"expires_at"}},
		"an expiry that is a number": {with(good, "expires_at", json.Number("1799999999")), "invalid_field", []string{"expires_at"}},
	} {
		for _, path := range []string{"reauth/jira", "validate/jira"} {
			t.Run(path+" with "+name, func(t *testing.T) {
				m := withJira(t)
				m.jira.Forget()
				r := m.refused(t, logical.UpdateOperation, path, test.body, 400, test.code)
				assert.Equal(t, test.fields, r.data["fields"])
				assert.Equal(t, "jira", r.data["integration"])
				assert.Equal(t, "jira", r.data["provider"])
				assert.NotContains(t, fmt.Sprint(r), "canary")
				assert.NotContains(t, fmt.Sprint(r), "987654321")
				assert.Empty(t, m.jira.Requests(), "nothing is sent")
				assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"])
			})
		}
	}
}

func TestReauthRefusalsComeInOrder(t *testing.T) {
	m := newMount(t)
	m.refused(t, logical.UpdateOperation, "reauth/nobody", body{"passwd": "x"}, 404, "unknown_integration")
	m.write(t, "integrations/app", body{"provider": "jira", "auth_type": "connect_app", "url": m.jiraURL})
	m.refused(t, logical.UpdateOperation, "reauth/app", body{"passwd": "x"}, 400, "reauth_unsupported")
	m.refused(t, logical.UpdateOperation, "validate/app", body{}, 400, "reauth_unsupported")
	m.write(t, "integrations/gh", body{"provider": "github", "auth_type": "github_app"})
	r := m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": "x"}, 400, "reauth_unsupported")
	assert.Greater(t, len(r.message), 60, "it says what to do instead")

	m.refused(t, logical.UpdateOperation, "integrations/away", body{"provider": "jira", "auth_type": "api_key", "url": "https://localhost"}, 400, "address_not_allowed")
}

func TestReauthRefusesAddressesAtDialTime(t *testing.T) {
	m := newMount(t)
	m.write(t, "config", body{"allowed_hosts": []any{"jira.example.com"}})
	m.write(t, "integrations/away", body{"provider": "jira", "auth_type": "api_key", "url": "https://elsewhere.example.com"})
	m.refused(t, logical.UpdateOperation, "reauth/away", body{"email": email, "api_key": "k"}, 400, "address_not_allowed")
}

func TestReauthOfAJiraThatMisbehaves(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   string
	}{
		"server_error": {502, "upstream_error"}, "bad_gateway_html": {502, "upstream_error"}, "login_page": {502, "upstream_error"},
		"rate_limited": {400, "upstream_rate_limited"}, "too_large": {502, "upstream_error"}, "reset": {502, "upstream_unreachable"},
		"truncated_json": {502, "upstream_error"}, "unauthorized_empty": {502, "upstream_error"}, "unauthorized_jira": {400, "credential_rejected"},
	} {
		t.Run(name, func(t *testing.T) {
			m := withJira(t)
			fault, ok := providertest.NamedFault(name, "")
			if !ok {
				t.Fatalf("no fault %q among %v", name, providertest.FaultNames())
			}
			m.jira.Behave(fault)
			r := m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": "key-2"}, test.status, test.code)
			assert.Contains(t, r.message, "version 1 stays in use")
			assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"])
		})
	}
}

func TestReauthPoolOfGitHubTokens(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/gh", body{"provider": "github", "url": m.githubURL})
	m.github.AddClassic("mia", "ghp_one", "repo", "read:org")
	m.github.AddClassic("noa", "ghp_two", "repo", "read:org")

	r := m.write(t, "reauth/gh", body{"pat": []any{"ghp_one", " ghp_two "}})
	assert.Equal(t, "mia, noa", r.data["identity"])
	creds := m.read(t, "creds/gh")
	assert.Equal(t, "ghp_one", creds["pat"])
	assert.Equal(t, []string{"ghp_one", "ghp_two"}, creds["pats"])
	assert.Equal(t, "Bearer ghp_one", authorization(creds))

	m.write(t, "reauth/gh", body{"pat": "ghp_two,ghp_one"})
	assert.Equal(t, "ghp_two", m.read(t, "creds/gh")["pat"])

	bad := m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": []any{"ghp_one", "ghp_canary"}}, 400, "credential_rejected")
	members, _ := bad.data["members"].([]map[string]any)
	if assert.Len(t, members, 1) {
		assert.Equal(t, 2, members[0]["position"])
		assert.Len(t, members[0]["fingerprint"], 16)
	}
	assert.NotContains(t, fmt.Sprint(bad), "canary")
	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": []any{}}, 400, "missing_field")
	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": []any{"ghp_one", ""}}, 400, "invalid_field")
	m.refused(t, logical.UpdateOperation, "reauth/gh", body{"pat": []any{"ghp_one", 7}}, 400, "invalid_field")
}

func TestReauthFormSaysWhatItTakes(t *testing.T) {
	m := withJira(t)
	form := m.read(t, "reauth/jira")
	assert.Equal(t, true, form["supported"])
	fields, _ := form["fields"].([]map[string]any)
	if assert.Len(t, fields, 3) {
		assert.Equal(t, "email", fields[0]["name"])
		assert.Equal(t, true, fields[1]["secret"])
		assert.Equal(t, false, fields[2]["required"])
	}
	m.write(t, "integrations/app", body{"provider": "jira", "auth_type": "connect_app", "url": m.jiraURL})
	form = m.read(t, "reauth/app")
	assert.Equal(t, false, form["supported"])
	assert.NotEmpty(t, form["reason"])
	m.refused(t, logical.ReadOperation, "reauth/nobody", nil, 404, "unknown_integration")
}

func TestValidateChecksAndStoresNothing(t *testing.T) {
	m := withJira(t)
	r := m.write(t, "validate/jira", body{"email": email, "api_key": "key-2"})
	assert.Equal(t, true, r.data["valid"])
	assert.Equal(t, 1, r.data["version"])
	m.refused(t, logical.UpdateOperation, "validate/jira", body{"email": email, "api_key": "wrong"}, 400, "credential_rejected")
	assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"])
	assert.Len(t, m.read(t, "history/jira")["entries"], 1)
}

// with is a copy of a body with one more field.
func with(b body, key string, value any) body {
	next := body{key: value}
	for k, v := range b {
		if k != key {
			next[k] = v
		}
	}
	return next
}

// without is a copy of a body without one of its fields.
func without(b body, key string) body {
	rest := maps.Clone(b)
	delete(rest, key)
	return rest
}
