package sei

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const good = "s3cr3t-key-of-mia"

func (m *mount) asked() int { return len(m.jira.Requests()) + len(m.github.Requests()) }

// A value that is no token is refused before it is sent anywhere, and replaces nothing.
// Package input has the forms.
func TestAPastedTokenIsSentNowhere(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	m.write(t, "integrations/bb", bitbucketOAuth(good))
	before := m.asked()
	for _, value := range []string{"Bearer " + good, "'" + good + "'", "GITHUB_TOKEN=" + good, "\ufeff" + good, good + " x"} {
		for path, sent := range map[string]body{
			"reauth/jira": {"email": email, "api_key": value}, "validate/jira": {"email": email, "api_key": value},
			"reauth/github": {"pat": []any{"ghp_good", value}}, "integrations/bb": {"client_secret": value}, "reauth/bb": {"code": value, "state": "x"},
		} {
			r := m.refused(t, logical.UpdateOperation, path, sent, 400, "invalid_field")
			assert.NotContains(t, r.message, good)
		}
	}
	assert.Equal(t, before, m.asked(), "nobody was asked")
	bb, err := m.store.Integrations.Read(t.Context(), "bb")
	require.NoError(t, err)
	assert.Equal(t, good, bb.Settings.Secret("client_secret").Reveal(), "the good secret stays")
	assert.Equal(t, "key-1", m.read(t, "creds/jira")["api_key"])
}

func bitbucketOAuth(secret string) body {
	return body{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "consumer", "client_secret": secret,
		"redirect_uri": "https://vault.example.com/v1/sei/oauth/callback",
	}
}

// The address of a page is no root.
func TestAddressesOfPages(t *testing.T) {
	m := newMount(t)
	m.write(t, "config", body{"allowed_hosts": ""})
	for _, page := range []body{
		{"provider": "gitlab", "url": "https://gitlab.example.com/acme/app/-/issues"},
		{"provider": "gitlab", "url": "https://gitlab.example.com/-/user_settings/personal_access_tokens"},
		{"provider": "gitlab", "url": "https://example.com/gitlab/acme/-"},
		{"provider": "jira", "auth_type": "pat", "url": "https://jira.example.com/browse/A-1"},
		{"provider": "jira", "auth_type": "pat", "url": "https://jira.example.com/jira/secure/Dashboard.jspa"},
	} {
		r := m.refused(t, logical.CreateOperation, "integrations/page", page, 400, "invalid_field")
		assert.Equal(t, []string{"url"}, r.data["fields"], page)
	}
	for i, root := range []string{"https://gitlab.example.com/", "https://example.com/gitlab-x/", "https://example.com/-x/y-"} {
		m.write(t, "integrations/root"+string(rune('a'+i)), body{"provider": "gitlab", "url": root})
	}
}

// A file has one value a line, and ends with a line break.
func TestValuesFromFiles(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/github", body{"provider": "github\n", "url": m.githubURL})
	for _, file := range []string{
		"ghp_1\nghp_2\n", "ghp_1\r\nghp_2\r\n", "ghp_1,\nghp_2,\n", "ghp_1, ghp_2,", "\n\nghp_1\n \nghp_2", "ghp_1\rghp_2", "ghp_1,ghp_2\n\n",
	} {
		for _, token := range []string{"ghp_1", "ghp_2"} {
			m.github.AddClassic("mia", token, "repo")
		}
		m.write(t, "reauth/github", body{"pat": file})
		creds := m.read(t, "creds/github")
		assert.Equal(t, []string{"ghp_1", "ghp_2"}, creds["pats"], "%q", file)
		assert.Equal(t, 1, creds["version"], "%q: they are the same tokens", file)
	}
	full := strings.TrimSuffix(strings.Repeat("ghp_1\r\n", 100), "\r\n")
	r := m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": full + "\r\n"}, 400, "invalid_field")
	assert.Contains(t, r.message, "are the same", "a hundred lines are a hundred tokens")
	for _, bad := range []string{"ghp_1,,ghp_2", ",ghp_1", "ghp_1\n,\nghp_2", "\n", " \r\n ", ",", full + "\nghp_2"} {
		m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": bad}, 400, map[bool]string{true: "missing_field", false: "invalid_field"}[strings.TrimSpace(bad) == ""])
	}
	for _, name := range []string{"required_scopes", "organizations"} {
		m.write(t, "integrations/github", body{name: "one\r\ntwo,\n\nthree,\n"})
		assert.Equal(t, []string{"one", "two", "three"}, m.read(t, "integrations/github")[name])
		m.refused(t, logical.UpdateOperation, "integrations/github", body{name: "one,,two"}, 400, "invalid_field")
	}
	m.write(t, "config", body{"allowed_hosts": "http://127.0.0.1\njira.example.com,\n"})
	assert.Equal(t, []string{"http://127.0.0.1", "jira.example.com"}, m.read(t, "config")["allowed_hosts"])
	m.write(t, "integrations/github", body{"labels": "team=platform\nstage=prod,\n"})
	assert.Equal(t, map[string]string{"team": "platform", "stage": "prod"}, m.read(t, "integrations/github")["labels"])
	m.write(t, "config", body{"history_limit": "7\n", "creds_ttl": "90s\r\n"})
	assert.EqualValues(t, 7, m.read(t, "config")["history_limit"])
	assert.EqualValues(t, 90, m.read(t, "config")["creds_ttl"])
	m.write(t, "integrations/github", body{"pin_identity": "true\n"})
	assert.Equal(t, true, m.read(t, "integrations/github")["pin_identity"])
}

// The line break at the end of a text means nothing, and reads back: a tool that
// compares what it wrote with what it reads sees no change.
func TestTextsEndWithALineBreak(t *testing.T) {
	m := newMount(t)
	written := body{"provider": "jira", "auth_type": "api_key", "url": m.jiraURL + "\n", "description": "of the team\r\n", "tls_server_name": "jira.example.com\n", "cloud_id": ""}
	m.write(t, "integrations/jira", written)
	read := m.read(t, "integrations/jira")
	for name, value := range written {
		assert.Equal(t, value, read[name], name)
	}
	m.jira.AddAPIToken(email, "key-1")
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-1"})
	assert.Equal(t, m.jiraURL, m.read(t, "creds/jira")["url"], "workers get the address")
	m.write(t, "integrations/jira", written)
	m.write(t, "integrations/jira", body{"provider": "jira\n", "auth_type": "api_key\n", "url": m.jiraURL, "tls_server_name": "jira.example.com"})
	assert.Equal(t, m.jiraURL, m.read(t, "integrations/jira")["url"], "the same meaning is no other place")
	m.refused(t, logical.UpdateOperation, "integrations/jira", body{"url": "https://jira.example.com\n"}, 400, "credential_present")
	m.refused(t, logical.UpdateOperation, "integrations/jira", body{"description": "two\nlines"}, 400, "invalid_field")

	ado := body{"provider": "azure_devops", "auth_type": "pat", "organization": "acme\n", "service": "boards\n"}
	m.write(t, "integrations/ado", ado)
	read = m.read(t, "integrations/ado")
	assert.Equal(t, "acme\n", read["organization"])
	assert.Equal(t, "boards\n", read["service"])
	m.write(t, "integrations/ado", body{"service": "boards"})
	m.write(t, "config", body{"allowed_hosts": "http://127.0.0.1,bitbucket.org,api.bitbucket.org"})
	m.write(t, "integrations/bb", body{"provider": "bitbucket", "auth_type": "oauth", "client_id": "consumer\n", "client_secret": good + "\r\n", "redirect_uri": "https://vault.example.com/v1/sei/oauth/callback\n"})
	begun := m.write(t, "oauth/authorize/bb", nil).data
	assert.Contains(t, begun["authorize_url"], "client_id=consumer&")
	assert.Equal(t, "https://vault.example.com/v1/sei/oauth/callback", begun["redirect_uri"])
}

// A single token's file may have a comma at its end, too.
func TestATokenWithAComma(t *testing.T) {
	m := withJira(t)
	m.write(t, "reauth/jira", body{"email": email, "api_key": "key-2,\n"})
	assert.Equal(t, "key-2", m.read(t, "creds/jira")["api_key"])
	m.write(t, "integrations/bb", bitbucketOAuth(good+",\n"))
	bb, err := m.store.Integrations.Read(t.Context(), "bb")
	require.NoError(t, err)
	assert.Equal(t, good, bb.Settings.Secret("client_secret").Reveal())
}
