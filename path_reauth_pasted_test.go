package sei

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pasted is what people send instead of a token, and a word of what they are told.
func pasted() map[string]string {
	return map[string]string{
		"\ufeff%": "byte order mark", "%\ufeff": "byte order mark", "\u200b%": "zero width space", "%\u200e": "left-to-right mark",
		"a\u00ad%": "soft hyphen", "a\u2060%": "word joiner", "a\u00a0%": "no-break space", "a\u202f%": "no-break space", "\u3164%": "invisible",
		"%\u2800": "invisible", "%\ufe0f": "invisible", "%\u034f": "invisible", "%\U000e0041": "invisible",
		"'%'": "in quotes", `"%"`: "in quotes", "`%`": "in quotes", "“%”": "in quotes", "‘%’": "in quotes", "„%“": "in quotes", "«%»": "in quotes", `"%`: "in quotes", "%'": "in quotes",
		"Bearer %": "begins with Bearer", "bearer  %": "begins with Bearer", "Bearer%20%": "begins with Bearer", "Bearer\t%": "begins with Bearer",
		"token %": "begins with the word token", "Basic %": "begins with Basic",
		"Authorization: Bearer %": "whole header", "authorization:%": "whole header", "PRIVATE-TOKEN: %": "whole header", "x-api-key:%": "whole header",
		"GITHUB_TOKEN=%": "NAME=value", "TOKEN=%": "NAME=value", "api_key=%": "NAME=value", "pat=%": "NAME=value", "Token=%": "NAME=value", "FOO=%": "NAME=value",
		"export X=%": "assignment", "export GITHUB_TOKEN=%": "assignment", "set TOKEN=%": "assignment", "$env:TOKEN=%": "assignment",
		"a %": "contains a blank", "a\u3000%": "contains a blank", "a\t%": "contains a blank", "kéy%": "cannot be part of it", "а%": "cannot be part of it", "a–%": "typographic dash",
		"access_token_prod=%": "NAME=value", "token1=%": "NAME=value", "TOKEN_2=%": "NAME=value", "spring.token=%": "NAME=value", "auth=%": "NAME=value", "bearer=%": "NAME=value",
		"pwd=%": "NAME=value", "creds=%": "NAME=value", "credential=%": "NAME=value", "--token=%": "NAME=value", "?access_token=%": "NAME=value", "MY-TOKEN=%": "NAME=value", "accessToken=%": "NAME=value",
		"GITHUB_TOKEN:%": "NAME:value", "API_KEY_2:%": "NAME:value", "api_key: %": "NAME:value", "gh_pat:ghp_%": "NAME:value", "Bearerghp_%": "begins with Bearer", "Bearer+%": "begins with Bearer",
		"${TOKEN_OF_%}": "name of a variable", "{{%}}": "name of a variable", "$(cat-%)": "name of a variable",
		"@%.txt": "name of a file", "@./%": "name of a file", "[%]": "in brackets", "(%)": "in brackets", "{%}": "in brackets", "%;": "begins or ends with",
		"&quot;%&quot;": "HTML", "&#34;%": "HTML", "%****": "masked", "%...": "masked", "\\u200b%": "after a backslash", "%\\n": "after a backslash", "%\\": "after a backslash",
		"%&state=x": "part of an address", "ghp_%|ghp_%": "bar", "<%": "angle brackets", "['%']": "JSON",
		"https://vault.example.com/callback?code=%": "address", `{"token":"%"}`: "JSON", "<%>": "angle brackets", "a\x00%": "control characters", "a\xff%": "UTF-8",
	}
}

const good = "s3cr3t-key-of-mia"

func (m *mount) asked() int { return len(m.jira.Requests()) + len(m.github.Requests()) }

// What is no token is refused before anybody is asked, by what is wrong with it, and is
// not repeated.
func TestPastedTokens(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	m.write(t, "integrations/bb", bitbucketOAuth(good))
	before := m.asked()
	check := func(r reply, field, says, value string) {
		t.Helper()
		assert.Equal(t, []string{field}, r.data["fields"], "%q", value)
		assert.Contains(t, r.message, says, "%q", value)
		assert.NotContains(t, r.message, good)
		assert.NotContains(t, r.message, value)
	}
	for form, says := range pasted() {
		value := strings.ReplaceAll(form, "%", good)
		if strings.HasPrefix(form, "Bearer%20") {
			value = "Bearer%20" + good
		}
		for _, path := range []string{"reauth/jira", "validate/jira"} {
			check(m.refused(t, logical.UpdateOperation, path, body{"email": email, "api_key": value}, 400, "invalid_field"), "api_key", says, value)
		}
		check(m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": value}, 400, "invalid_field"), "pat", says, value)
		r := m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": []any{"ghp_good", value}}, 400, "invalid_field")
		check(r, "pat", says, value)
		assert.Contains(t, r.message, "number 2 of 2")
		check(m.refused(t, logical.UpdateOperation, "integrations/bb", body{"client_secret": value}, 400, "invalid_field"), "client_secret", says, value)
		check(m.refused(t, logical.UpdateOperation, "reauth/bb", body{"code": value, "state": "x"}, 400, "invalid_field"), "code", says, value)
	}
	assert.Equal(t, before, m.asked(), "nobody was asked")
	bb, err := m.store.Integrations.Read(t.Context(), "bb")
	require.NoError(t, err)
	assert.Equal(t, good, bb.Settings.Secret("client_secret").Reveal(), "the good secret stays")
}

func bitbucketOAuth(secret string) body {
	return body{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "consumer", "client_secret": secret,
		"redirect_uri": "https://vault.example.com/v1/sei/oauth/callback",
	}
}

// What no vendor's token has may be in the secret of a client, or at the beginning of a
// GitLab's tokens.
func TestShapesOfVendorsTokens(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	before := m.asked()
	for value, says := range map[string]string{
		"$" + good: "name of a variable", "$TOKEN": "name of a variable", "%TOKEN%": "name of a variable", "@" + good: "name of a file", "[" + good + "+/=]": "in brackets",
		"gh_pat:" + good: "NAME:value", "my.token:" + good: "NAME:value", "FOO_BAR:" + good: "NAME:value", "mia:ghp_" + good: "NAME:value", "x=ghp_" + good: "NAME:value",
		"mia@example.com:" + good: "e-mail address before it", "***" + good: "masked", "****": "masked", good + ";" + good: "semicolon", "null": "no value", "@token.txt": "name of a file",
		"ATATT3" + good + ";": "begins or ends", "ATATT3" + good + "%0A": "addresses write it",
	} {
		r := m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": value}, 400, "invalid_field")
		assert.Contains(t, r.message, says, "%q", value)
		r = m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": []any{value, "ghp_1"}}, 400, "invalid_field")
		assert.Contains(t, r.message, "number 1 of 2, that ", "%q", value)
		assert.Contains(t, r.message, says, "%q", value)
		assert.NotContains(t, r.message, good)
	}
	for _, value := range []string{good + "," + good, "," + good, good + ",,"} {
		m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": email, "api_key": value}, 400, "invalid_field")
		m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": []any{value}}, 400, "invalid_field")
	}
	assert.Equal(t, before, m.asked(), "nobody was asked")
}

// Who a credential belongs to holds nothing that cannot be seen, and no quotes.
func TestPastedNames(t *testing.T) {
	m := withJira(t)
	before := m.asked()
	for value, says := range map[string]string{
		"\ufeffmia@example.com": "byte order mark", "mia@example.com\u200b": "zero width space", "mi\u00ada@example.com": "soft hyphen", "mia\u202e@example.com": "right-to-left override",
		`"mia@example.com"`: "in quotes", "‘mia@example.com’": "in quotes", "mia@example\u3164.com": "invisible", "EMAIL=mia@example.com": "NAME=value", "m ia@example.com": "e-mail address",
	} {
		r := m.refused(t, logical.UpdateOperation, "reauth/jira", body{"email": value, "api_key": "key-2"}, 400, "invalid_field")
		assert.Equal(t, []string{"email"}, r.data["fields"])
		assert.Contains(t, r.message, says, "%q", value)
	}
	m.write(t, "integrations/sq", body{"provider": "sonarqube", "url": "https://sonarqube.example.com"})
	for _, value := range []string{"mia\u200b", "\ufeffmia", "'mia'", "mia\u00ad", "mia\u2028x"} {
		r := m.refused(t, logical.UpdateOperation, "reauth/sq", body{"username": value, "api_key": "squ_1"}, 400, "invalid_field")
		assert.Equal(t, []string{"username"}, r.data["fields"], "%q", value)
	}
	assert.Equal(t, before, m.asked())
	m.jira.AddAPIToken("o'brien@example.com", "key-3")
	m.write(t, "reauth/jira", body{"email": " o'brien@example.com\r\n", "api_key": "key-3\n"})
}

// The elements of a list are read as lines of a file are.
func TestElementsOfLists(t *testing.T) {
	m := newMount(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	for _, list := range []any{[]any{"ghp_1,", "ghp_2"}, []any{"ghp_1", " ghp_2,\r\n"}, []string{"ghp_1,\n", "ghp_2 ,"}} {
		m.github.AddClassic("mia", "ghp_1", "repo")
		m.github.AddClassic("mia", "ghp_2", "repo")
		m.write(t, "reauth/github", body{"pat": list})
		assert.Equal(t, []string{"ghp_1", "ghp_2"}, m.read(t, "creds/github")["pats"], "%q", list)
	}
	m.refused(t, logical.UpdateOperation, "reauth/github", body{"pat": []any{"ghp_1", ","}}, 400, "invalid_field")
	for _, name := range []string{"required_scopes", "organizations"} {
		for _, list := range []any{[]any{"one,", "two\n"}, []string{" one", "two,\n"}} {
			m.write(t, "integrations/github", body{name: list})
			assert.Equal(t, []string{"one", "two"}, m.read(t, "integrations/github")[name])
		}
		for bad, says := range map[string]string{
			"one two": "blank", "one;two": "semicolon", "'one'": "in quotes", "“one”": "in quotes", "'one": "in quotes", `["one"]`: "brackets", "[one]": "brackets", "(one": "brackets", "<one>": "brackets",
		} {
			for _, list := range []any{bad, []any{"fine", bad}} {
				r := m.refused(t, logical.UpdateOperation, "integrations/github", body{name: list}, 400, "invalid_field")
				assert.Equal(t, []string{name}, r.data["fields"])
				assert.Contains(t, r.message, says, "%q", bad)
			}
		}
		m.refused(t, logical.UpdateOperation, "integrations/github", body{name: []any{"one,two"}}, 400, "invalid_field")
		m.refused(t, logical.UpdateOperation, "integrations/github", body{name: `"one","two"`}, 400, "invalid_field")
	}
	m.write(t, "config", body{"allowed_hosts": []any{"http://127.0.0.1,", "[::1]:8080\n", "*.example.com,"}})
	assert.Equal(t, []string{"http://127.0.0.1", "[::1]:8080", "*.example.com"}, m.read(t, "config")["allowed_hosts"])
	r := m.refused(t, logical.UpdateOperation, "config", body{"allowed_hosts": "a.example.com,'b.example.com'"}, 400, "invalid_field")
	assert.Contains(t, r.message, "number 2 of 2")
	m.write(t, "integrations/github", body{"labels": []any{"team=platform,", "note=a, b\n"}})
	assert.Equal(t, map[string]string{"team": "platform", "note": "a, b"}, m.read(t, "integrations/github")["labels"])
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

// Settings hold nothing that cannot be seen either: they are shown to people.
func TestInvisibleSettings(t *testing.T) {
	m := withJira(t)
	m.write(t, "integrations/github", body{"provider": "github", "url": m.githubURL})
	m.write(t, "integrations/bb", bitbucketOAuth(good))
	for _, r := range []string{"\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\u061c", "\u3164", "\u2800", "\u034f", "\u115f", "\u2028", "\U000e0020"} {
		for _, c := range []struct {
			path, field string
			value       any
		}{
			{"integrations/github", "required_scopes", []any{"re" + r + "po"}},
			{"integrations/github", "required_scopes", "repo,us" + r + "er"},
			{"integrations/github", "organizations", "ac" + r + "me"},
			{"integrations/github", "description", "about" + r + "it"},
			{"integrations/github", "labels", body{"team": "a" + r + "b"}},
			{"integrations/github", "labels", "te" + r + "am=a"},
			{"integrations/jira", "cloud_id", "1" + r + "a"},
			{"integrations/jira", "tls_server_name", "jira" + r + ".example.com"},
			{"integrations/bb", "client_id", "consu" + r + "mer"},
			{"integrations/bb", "workspace", "ac" + r + "me"},
			{"integrations/bb", "redirect_uri", "https://vault.example.com/" + r + "x"},
			{"config", "allowed_hosts", "http://127.0.0.1,jira" + r + ".example.com"},
			{"creds/jira/report", "fingerprint", "ab" + r + "c"},
		} {
			got := m.refused(t, logical.UpdateOperation, c.path, body{c.field: c.value}, 400, "invalid_field")
			assert.Equal(t, []string{c.field}, got.data["fields"])
			assert.Contains(t, got.message, "invisible", "%s %q", c.field, r)
		}
	}
	m.refused(t, logical.UpdateOperation, "integrations/bb", body{"client_id": "'consumer'"}, 400, "invalid_field")
	// Joiners are letters of some scripts, and parts of signs.
	for _, text := range []string{"⚠\ufe0f ask Mia first", "می\u200cخواهم", "👩\u200d💻 of the platform team"} {
		m.write(t, "integrations/github", body{"description": text, "labels": body{"note": text}})
		assert.Equal(t, text, m.read(t, "integrations/github")["description"])
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

// Vault hands plugins the numbers of JSON as floats.
func TestNumbersAsVaultSendsThem(t *testing.T) {
	m := newMount(t)
	for _, raw := range []any{float64(5), json.Number("5"), "5", 5} {
		m.write(t, "config", body{"history_limit": raw, "creds_ttl": raw})
		assert.EqualValues(t, 5, m.read(t, "config")["history_limit"])
	}
	for _, raw := range []any{5.5, 1e300, "5.5", true, []any{5}, nil} {
		r := m.refused(t, logical.UpdateOperation, "config", body{"history_limit": raw}, 400, "invalid_field")
		assert.Equal(t, []string{"history_limit"}, r.data["fields"])
	}
}
