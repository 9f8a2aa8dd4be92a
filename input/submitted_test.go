package input_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/input"
	"vault-plugin-secrets-sei/providers"
)

func formFields() []providers.Field {
	return []providers.Field{
		{Name: "email", Kind: providers.Email, Required: true},
		{Name: "username", Kind: providers.Text},
		{Name: "pat", Kind: providers.Pool, Required: true},
		{Name: "api_key", Kind: providers.Token},
		{Name: "expires_at", Kind: providers.Time},
	}
}

func TestSubmitted(t *testing.T) {
	for name, c := range map[string]struct{ sent, read map[string]any }{
		"what nobody filled in is left out":       {map[string]any{"api_key": "", "expires_at": " ", "username": "\t"}, map[string]any{}},
		"but where it is required":                {map[string]any{"email": " ", "pat": "\r\n,\n"}, map[string]any{"email": "", "pat": ""}},
		"a token a line":                          {map[string]any{"pat": " a \r\n\r\nb\n"}, map[string]any{"pat": []any{"a", "b"}}},
		"several fields, which Vault joins":       {map[string]any{"pat": "a,,b,,"}, map[string]any{"pat": []any{"a", "b"}}},
		"what is no text is left as it is":        {map[string]any{"pat": []any{"a"}, "email": 1.0}, map[string]any{"pat": []any{"a"}, "email": 1.0}},
		"an unknown field stays, blank or not":    {map[string]any{"x": "", "y": "z"}, map[string]any{"x": "", "y": "z"}},
		"a token is not taken apart":              {map[string]any{"api_key": "a,b\nc"}, map[string]any{"api_key": "a,b\nc"}},
		"an e-mail address is left to be trimmed": {map[string]any{"email": " a@b "}, map[string]any{"email": " a@b "}},
		"of too many, one too many are left":      {map[string]any{"pat": strings.Repeat("a\n", 5000)}, map[string]any{"pat": manyTokens(101)}},
		"nothing at all is what it is":            {nil, map[string]any{}},
		"a pool of blanks between tokens of one":  {map[string]any{"pat": ",\n,a,\r,"}, map[string]any{"pat": []any{"a"}}},
	} {
		assert.Equal(t, c.read, input.Submitted(formFields(), c.sent), name)
	}
}

func manyTokens(n int) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = "a"
	}
	return all
}

func TestShown(t *testing.T) {
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	assert.Equal(t, map[string]string{"email": "ada@example.com", "username": "ada", "expires_at": "2027-01-31"}, input.Shown(formFields(), map[string]any{
		"email": " ada@example.com ", "username": "ada", "expires_at": "2027-01-31", "pat": "ghp_secret", "api_key": "secret",
	}, now))
	for name, form := range map[string]map[string]any{
		"a secret in the field of the e-mail address": {"email": "secret-token"},
		"the same as a secret":                        {"username": "s3cret", "api_key": "s3cret"},
		"the same as a token of a pool":               {"username": "s3cret", "pat": "a\ns3cret,b"},
		"what looks like a token":                     {"username": "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"},
		"a time that is none":                         {"expires_at": "s3cret"},
		"what is no text":                             {"email": []any{"ada@example.com"}},
		"what is not shown at all":                    {"x": "ada@example.com"},
	} {
		assert.Empty(t, input.Shown(formFields(), form, now), name)
	}
}

// Whoever has a link sends a form of any size, and is nobody to Vault.
func TestAFormIsBounded(t *testing.T) {
	var long strings.Builder
	for i := 0; long.Len() < 10<<20; i++ {
		fmt.Fprint(&long, i, ",")
	}
	many := map[string]any{}
	for i := range 51 {
		many[fmt.Sprint("f", i)] = ""
	}
	for name, form := range map[string]map[string]any{
		"a long text": {"pat": long.String()}, "a long name": {long.String(): ""}, "many fields": many,
	} {
		require.Error(t, input.FormFits(form), name)
		assert.Empty(t, input.Shown(formFields(), form, time.Unix(0, 0)), name)
	}
	full := strings.Repeat(strings.Repeat("x", 16<<10)+"\r\n", 100)
	require.NoError(t, input.FormFits(map[string]any{"pat": full, "email": "ada@example.com", "expires_at": "2027-01-31"}))
	most := map[string]any{"email": "ada@example.com", "username": "7777", "pat": long.String()[:1600<<10]}
	allocated := testing.AllocsPerRun(3, func() {
		require.NoError(t, input.FormFits(most))
		input.Submitted(formFields(), most)
		assert.Equal(t, map[string]string{"email": "ada@example.com"}, input.Shown(formFields(), most, time.Unix(0, 0)))
	})
	assert.Less(t, allocated, 1000.0)
}

// Whatever a form sends, no secret field is shown again, nor a text that is one's value.
func FuzzShown(f *testing.F) {
	f.Add("ada@example.com", "ada", "ghp_one\nghp_two", "secret", "2027-01-31")
	f.Add("secret@example.com", "secret", "secret", "secret@example.com", "secret")
	f.Fuzz(func(t *testing.T, email, username, pat, key, end string) {
		form := map[string]any{"email": email, "username": username, "pat": pat, "api_key": key, "expires_at": end}
		body := input.Submitted(formFields(), form)
		shown := input.Shown(formFields(), form, time.Unix(0, 0))
		for name, text := range shown {
			assert.Contains(t, []string{"email", "username", "expires_at"}, name)
			assert.NotEqual(t, strings.TrimSpace(key), text)
			if tokens, ok := body["pat"].([]any); ok {
				assert.NotContains(t, tokens, text)
			}
		}
	})
}
