package harness

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/probe"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// told is an answer as the client hands it out.
func told(status int, contentType, body string) *upstream.Response {
	return &upstream.Response{Host: "host.example.com", Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
}

func TestHarnessRefusals(t *testing.T) {
	cases := []struct {
		name, body string
		want       bool
	}{
		{"the code of a bad token", `{"code":"INVALID_TOKEN"}`, true},
		{"the code of an expired token", `{"code":"EXPIRED_TOKEN"}`, true},
		{"a code inside", `{"code":"GENERAL_ERROR","responseMessages":[{"code":"X"},{"code":"INVALID_TOKEN"}]}`, true},
		{"the older message", `{"code":"INVALID_REQUEST","message":"Invalid API token x: Token not found"}`, true},
		{"the older message with its prefix", `{"code":"INVALID_REQUEST","message":"Invalid request: Invalid API token x"}`, true},
		{"an empty token", `{"message":"Invalid API Token: Token is Empty"}`, true},
		{"the older message of an expired token", `{"message":"Incoming API token x has expired y"}`, true},
		{"another message of a token", `{"message":"Incoming API token x is fine"}`, false},
		{"the words later on", `{"message":"no Invalid API token here"}`, false},
		{"another code", `{"code":"INVALID_REQUEST","message":"Invalid request"}`, false},
		{"a token called so", `{"data":{"username":"INVALID_TOKEN"}}`, false},
		{"nothing", `{}`, false},
	}
	for _, c := range cases {
		var a harnessAnswer
		require.NoError(t, json.Unmarshal([]byte(c.body), &a), c.name)
		assert.Equal(t, c.want, a.refusesToken(), c.name)
	}
}

func TestHarnessAccountOf(t *testing.T) {
	for token, want := range map[string]string{
		"pat.account.id.secret": "account", "sat.account.id.secret": "account",
		"pat.id.secret": "", "xyz.account.id.secret": "", "pat.a.b.c.d": "", "": "",
	} {
		assert.Equal(t, want, harnessAccountOf(providers.NewSecret(token)), token)
	}
}

func TestTrimHarnessPage(t *testing.T) {
	p := probe.Probe{Title: "Harness"}
	for raw, want := range map[string]string{
		"https://app.harness.io":                              "https://app.harness.io",
		"https://App.Harness.io/":                             "https://app.harness.io",
		"https://app.harness.io/gateway/":                     "https://app.harness.io/gateway",
		"https://app.harness.io/ng":                           "https://app.harness.io",
		"https://app.harness.io/ng/account/x/home/ng/account": "https://app.harness.io",
		"https://app.harness.io/gateway/ng/api":               "https://app.harness.io/gateway",
		"https://example.com/harness/ng/account/x":            "https://example.com/harness",
		"https://example.com/among/others":                    "https://example.com/among/others",
	} {
		u, err := p.Root(raw)
		require.Nil(t, err)
		trimHarnessPage(u)
		assert.Equal(t, want, u.String())
	}
}

// FuzzHarnessAnswer judges anything: only a refusal of the token, in the codes, the
// words or the status that say so, may reject it, and nothing is quoted.
func FuzzHarnessAnswer(f *testing.F) {
	const canary = "sqUirrel"
	seeds := []string{
		`{"status":"SUCCESS","data":{"valid":true,"accountIdentifier":"acc","email":"mia@example.com","validTo":1e3}}`,
		`{"status":"SUCCESS","data":{"valid":false}}`, `{"status":"FAILURE","data":null}`, `{"code":"INVALID_TOKEN","message":"sqUirrel"}`,
		`{"message":"Invalid request: Invalid API token sqUirrel"}`, `{"responseMessages":[null,{"code":1}]}`, `<html>sqUirrel</html>`, ``, `null`, `[]`,
	}
	require.NotEmpty(f, seeds)
	for _, s := range seeds {
		for _, status := range []int{200, 400, 401, 403} {
			f.Add(status, "application/json", s)
		}
	}
	c := harnessCheck{Probe: probe.Probe{Title: "Harness", TokenField: "api_key"}, account: "acc", email: "mia@example.com", key: providers.NewSecret("pat.other.id.secret")}
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		res := told(status, contentType, body)
		err := c.judge(res)
		var a harnessAnswer
		if err == nil {
			assert.Equal(t, http.StatusOK, status)
			if err = c.JSON(res, &a); err == nil {
				err = c.judgeToken(res, a)
			}
		}
		if err == nil {
			require.NotNil(t, a.Data)
			assert.True(t, *a.Data.Valid)
			assert.Equal(t, "acc", a.Data.AccountIdentifier)
			v := c.verified(*a.Data)
			_, encodes := json.Marshal(v)
			require.NoError(t, encodes)
			assert.NotEmpty(t, v.Identity)
			assert.Equal(t, a.Data.Email == "", slices.ContainsFunc(v.Warnings, func(w string) bool { return strings.Contains(w, "e-mail") }), "compared, or told that it was not")
			return
		}
		assert.NotContains(t, err.Detail, canary)
		if err.Outcome == providers.Rejected && status != http.StatusUnauthorized {
			assert.Contains(t, strings.ToLower(body), "v", "INVALID_TOKEN, valid or the like")
			assert.Less(t, status, 500)
		}
	})
}
