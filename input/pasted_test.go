package input

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

type body = map[string]any

const (
	email = "mia@example.com"
	good  = "s3cr3t-key-of-mia"
)

// reader reads requests as the engine does.
type reader struct {
	registry *providers.Registry
	words    Vocabulary
}

func newReader(t *testing.T) reader {
	t.Helper()
	registry := catalog.All("test")
	t.Cleanup(registry.Close)
	return reader{registry, NewVocabulary(registry, nil)}
}

// credential reads what is sent to reauth/.
func (r reader) credential(t *testing.T, provider, auth string, sent body) (backend.Entry, error) {
	t.Helper()
	kind, ok := r.registry.Spec(provider).AuthType(auth)
	require.True(t, ok, "%s has no %s", provider, auth)
	return r.words.Entry(kind, sent, time.Now())
}

// settings reads what is sent to integrations/.
func (r reader) settings(provider, auth string, sent body) (providers.Settings, error) {
	return Settings(r.registry.Spec(provider).SettingsOf(auth), sent)
}

// invalidField demands the refusal of one field, which says a word, and returns it as text.
func invalidField(t *testing.T, err error, field, says string, value any) string {
	t.Helper()
	var refusal *backend.Error
	require.ErrorAs(t, err, &refusal, "%q", value)
	assert.Equal(t, backend.CodeInvalidField, refusal.Code)
	assert.Equal(t, []string{field}, refusal.Fields, "%q", value)
	assert.Contains(t, refusal.Message, says, "%q", value)
	said := fmt.Sprint(refusal, *refusal)
	assert.NotContains(t, said, good)
	return said
}

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

// A value that is no token is refused by what is wrong with it, and is not repeated.
func TestPastedTokens(t *testing.T) {
	r := newReader(t)
	for form, says := range pasted() {
		value := strings.ReplaceAll(form, "%", good)
		if strings.HasPrefix(form, "Bearer%20") {
			value = "Bearer%20" + good
		}
		_, err := r.credential(t, "jira", "api_key", body{"email": email, "api_key": value})
		assert.NotContains(t, invalidField(t, err, "api_key", says, value), value)
		_, err = r.credential(t, "github", "pat", body{"pat": value})
		assert.NotContains(t, invalidField(t, err, "pat", says, value), value)
		_, err = r.credential(t, "github", "pat", body{"pat": []any{"ghp_good", value}})
		said := invalidField(t, err, "pat", says, value)
		assert.NotContains(t, said, value)
		assert.Contains(t, said, "number 2 of 2")
		_, err = r.settings("bitbucket", "oauth", body{"client_secret": value})
		assert.NotContains(t, invalidField(t, err, "client_secret", says, value), value)
		_, err = r.credential(t, "bitbucket", "oauth", body{"code": value, "state": "x"})
		assert.NotContains(t, invalidField(t, err, "code", says, value), value)
	}
}

// What no vendor's token has may be in the secret of a client, or at the beginning of a
// GitLab's tokens.
func TestShapesOfVendorsTokens(t *testing.T) {
	r := newReader(t)
	for value, says := range map[string]string{
		"$" + good: "name of a variable", "$TOKEN": "name of a variable", "%TOKEN%": "name of a variable", "@" + good: "name of a file", "[" + good + "+/=]": "in brackets",
		"gh_pat:" + good: "NAME:value", "my.token:" + good: "NAME:value", "FOO_BAR:" + good: "NAME:value", "mia:ghp_" + good: "NAME:value", "x=ghp_" + good: "NAME:value",
		"mia@example.com:" + good: "e-mail address before it", "***" + good: "masked", "****": "masked", good + ";" + good: "semicolon", "null": "no value", "@token.txt": "name of a file",
		"ATATT3" + good + ";": "begins or ends", "ATATT3" + good + "%0A": "addresses write it",
	} {
		_, err := r.credential(t, "jira", "api_key", body{"email": email, "api_key": value})
		invalidField(t, err, "api_key", says, value)
		_, err = r.credential(t, "github", "pat", body{"pat": []any{value, "ghp_1"}})
		assert.Contains(t, invalidField(t, err, "pat", says, value), "number 1 of 2, that ", "%q", value)
	}
	for _, value := range []string{good + "," + good, "," + good, good + ",,"} {
		_, err := r.credential(t, "jira", "api_key", body{"email": email, "api_key": value})
		invalidField(t, err, "api_key", "", value)
		_, err = r.credential(t, "github", "pat", body{"pat": []any{value}})
		invalidField(t, err, "pat", "", value)
	}
}

// Who a credential belongs to holds nothing that cannot be seen, and no quotes.
func TestPastedNames(t *testing.T) {
	r := newReader(t)
	for value, says := range map[string]string{
		"\ufeffmia@example.com": "byte order mark", "mia@example.com\u200b": "zero width space", "mi\u00ada@example.com": "soft hyphen", "mia\u202e@example.com": "right-to-left override",
		`"mia@example.com"`: "in quotes", "‘mia@example.com’": "in quotes", "mia@example\u3164.com": "invisible", "EMAIL=mia@example.com": "NAME=value", "m ia@example.com": "e-mail address",
	} {
		_, err := r.credential(t, "jira", "api_key", body{"email": value, "api_key": "key-2"})
		invalidField(t, err, "email", says, value)
	}
	for _, value := range []string{"mia\u200b", "\ufeffmia", "'mia'", "mia\u00ad", "mia\u2028x"} {
		_, err := r.credential(t, "sonarqube", r.registry.Spec("sonarqube").DefaultAuthType(), body{"username": value, "api_key": "squ_1"})
		invalidField(t, err, "username", "", value)
	}
	entry, err := r.credential(t, "jira", "api_key", body{"email": " o'brien@example.com\r\n", "api_key": "key-3\n"})
	require.NoError(t, err)
	assert.Equal(t, "o'brien@example.com", entry.Credential.Value("email").Reveal())
	assert.Equal(t, "key-3", entry.Credential.Value("api_key").Reveal())
}

// The elements of a list are read as lines of a file are.
func TestElementsOfLists(t *testing.T) {
	r := newReader(t)
	for _, list := range []any{[]any{"ghp_1,", "ghp_2"}, []any{"ghp_1", " ghp_2,\r\n"}, []string{"ghp_1,\n", "ghp_2 ,"}} {
		entry, err := r.credential(t, "github", "pat", body{"pat": list})
		require.NoError(t, err, "%q", list)
		var tokens []string
		for _, secret := range entry.Credential.Values("pat") {
			tokens = append(tokens, secret.Reveal())
		}
		assert.Equal(t, []string{"ghp_1", "ghp_2"}, tokens, "%q", list)
	}
	_, err := r.credential(t, "github", "pat", body{"pat": []any{"ghp_1", ","}})
	invalidField(t, err, "pat", "", ",")
	for _, name := range []string{"required_scopes", "organizations"} {
		for _, list := range []any{[]any{"one,", "two\n"}, []string{" one", "two,\n"}} {
			settings, err := r.settings("github", "pat", body{name: list})
			require.NoError(t, err, "%q", list)
			assert.Equal(t, []string{"one", "two"}, settings.List(name))
		}
		for bad, says := range map[string]string{
			"one two": "blank", "one;two": "semicolon", "'one'": "in quotes", "“one”": "in quotes", "'one": "in quotes", `["one"]`: "brackets", "[one]": "brackets", "(one": "brackets", "<one>": "brackets",
		} {
			for _, list := range []any{bad, []any{"fine", bad}} {
				_, err := r.settings("github", "pat", body{name: list})
				invalidField(t, err, name, says, bad)
			}
		}
		for _, list := range []any{[]any{"one,two"}, `"one","two"`} {
			_, err := r.settings("github", "pat", body{name: list})
			invalidField(t, err, name, "", list)
		}
	}
	mount, err := Settings(backend.MountFields(), body{"allowed_hosts": []any{"http://127.0.0.1,", "[::1]:8080\n", "*.example.com,"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"http://127.0.0.1", "[::1]:8080", "*.example.com"}, mount.List("allowed_hosts"))
	_, err = Settings(backend.MountFields(), body{"allowed_hosts": "a.example.com,'b.example.com'"})
	invalidField(t, err, "allowed_hosts", "number 2 of 2", "b.example.com")
	labels, err := r.settings("github", "pat", body{"labels": []any{"team=platform,", "note=a, b\n"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"team": "platform", "note": "a, b"}, labels.Maps["labels"])
}

// Settings hold nothing that cannot be seen either: they are shown to people.
func TestInvisibleSettings(t *testing.T) {
	r := newReader(t)
	for _, sign := range []string{"\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\u061c", "\u3164", "\u2800", "\u034f", "\u115f", "\u2028", "\U000e0020"} {
		for _, c := range []struct {
			provider, auth, field string
			value                 any
		}{
			{"github", "pat", "required_scopes", []any{"re" + sign + "po"}},
			{"github", "pat", "required_scopes", "repo,us" + sign + "er"},
			{"github", "pat", "organizations", "ac" + sign + "me"},
			{"github", "pat", "description", "about" + sign + "it"},
			{"github", "pat", "labels", body{"team": "a" + sign + "b"}},
			{"github", "pat", "labels", "te" + sign + "am=a"},
			{"jira", "api_key", "cloud_id", "1" + sign + "a"},
			{"jira", "api_key", "tls_server_name", "jira" + sign + ".example.com"},
			{"bitbucket", "oauth", "client_id", "consu" + sign + "mer"},
			{"bitbucket", "oauth", "workspace", "ac" + sign + "me"},
			{"bitbucket", "oauth", "redirect_uri", "https://vault.example.com/" + sign + "x"},
			{"", "", "allowed_hosts", "http://127.0.0.1,jira" + sign + ".example.com"},
		} {
			fields := backend.MountFields()
			if c.provider != "" {
				fields = r.registry.Spec(c.provider).SettingsOf(c.auth)
			}
			_, err := Settings(fields, body{c.field: c.value})
			invalidField(t, err, c.field, "invisible", sign)
		}
		_, err := r.words.Report(body{"fingerprint": "ab" + sign + "c"})
		invalidField(t, err, "fingerprint", "invisible", sign)
	}
	_, err := r.settings("bitbucket", "oauth", body{"client_id": "'consumer'"})
	invalidField(t, err, "client_id", "in quotes", "consumer")
	// Joiners are letters of some scripts, and parts of signs.
	for _, text := range []string{"⚠\ufe0f ask Mia first", "می\u200cخواهم", "👩\u200d💻 of the platform team"} {
		settings, err := r.settings("github", "pat", body{"description": text, "labels": body{"note": text}})
		require.NoError(t, err, text)
		assert.Equal(t, text, settings.Texts["description"])
		assert.Equal(t, text, settings.Maps["labels"]["note"])
	}
}

// Vault hands plugins the numbers of JSON as floats.
func TestNumbersAsVaultSendsThem(t *testing.T) {
	for _, raw := range []any{float64(5), json.Number("5"), "5", 5} {
		settings, err := Settings(backend.MountFields(), body{"history_limit": raw, "creds_ttl": raw})
		require.NoError(t, err, "%v", raw)
		assert.EqualValues(t, 5, settings.Number("history_limit"))
		assert.EqualValues(t, 5, settings.Number("creds_ttl"))
	}
	for _, raw := range []any{5.5, 1e300, "5.5", true, []any{5}, nil} {
		_, err := Settings(backend.MountFields(), body{"history_limit": raw})
		invalidField(t, err, "history_limit", "", raw)
	}
}
