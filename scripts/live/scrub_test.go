package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/canary"
	"vault-plugin-secrets-sei/providers"
)

// canaries are what must not leave, by kind.
func canaries() map[string]string {
	return map[string]string{
		"secret": "s3cr3t-Qz7wLkP0", "e-mail": "wilhelmina.tellefsen@kvaerner-yards.example", "name": "Wilhelmina Tellefsen",
		"login": "wtellefsen81", "escaped name": "%D0%92%D0%B8%D0%BB%D1%8C%D0%BC%D0%B0", "name in hexadecimal": "%57%69%6C%6D%61", "account id": "5b10ac8d82e05b22cc7d4ef5", "number": "7718204455", "address": "203.0.113.77",
		"address 6": "2a02:8108:85a3:4f00:c0de:8a2e:0370:7334", "uuid": "9f1c3b77-5d1e-4a55-bb0e-6f3a91c4d2e8",
		"cookie": "JSESSIONID=A93F00E1C77B; Path=/", "organisation": "kvaerner-yards", "host": "jira.kvaerner-yards.example",
	}
}

// told is an answer in which each canary stands wherever an upstream can say anything.
func told(t *testing.T, value string) exchange {
	t.Helper()
	header := http.Header{}
	for _, name := range append(append(append([]string{}, wordHeaders()...), numberHeaders()...), markHeaders()...) {
		if name != "Content-Type" {
			header.Set(name, "required; of "+value)
		}
	}
	for _, name := range []string{"Set-Cookie", "X-Forwarded-For", "X-Served-By", "Link", "X-New", "Etag"} {
		header.Set(name, value)
	}
	header.Set("Content-Type", "application/json")
	members := map[string]any{value: true, "by_name": map[string]any{value: value}}
	for _, name := range append(append(append([]string{}, wordMembers()...), numberMembers()...), personMembers()...) {
		members[name] = value
		members[name+"s"] = []any{value, "by " + value, map[string]any{"new": value, "url": "https://example.com/users/" + value + "?q=" + value}}
	}
	body, err := json.Marshal(members)
	require.NoError(t, err)
	return exchange{
		attempt: "good", method: http.MethodGet, host: value, path: "/users/" + value, query: "q=" + value,
		accept: "application/json", authScheme: "Basic", sentBody: true, status: 200, header: header, body: body,
	}
}

// Whatever of a person, an account or a credential stands anywhere in an answer, whether or
// not the command was told of it, nothing of it is left.
func TestNothingOfAnybodyIsLeft(t *testing.T) {
	for kind, value := range canaries() {
		e := told(t, value)
		text, html := e, e
		text.body = []byte("Sorry, " + value + " is not permitted")
		text.header = http.Header{"Content-Type": {"text/plain"}}
		html.body = []byte("<html><head><title>" + value + "</title></head><body>" + value + "</body></html>")
		html.header = http.Header{"Content-Type": {"text/html"}}
		for form, e := range map[string]exchange{"JSON": e, "text": text, "page": html} {
			shown, err := json.Marshal(newScrubber().answer(e))
			require.NoError(t, err)
			var set canary.Set
			set.Add(kind, value)
			assert.Empty(t, set.Needles().In(string(shown)), "%s in %s", kind, form)
			for _, word := range wordForm.FindAllString(value, -1) {
				if len(word) > 3 && !vocabulary()[strings.ToLower(word)] && word != "example" {
					assert.NotContains(t, strings.ToLower(string(shown)), strings.ToLower(word), "%s in %s", kind, form)
				}
			}
			assert.NotContains(t, string(shown), "203.0", "%s in %s", kind, form)
		}
	}
}

// What is somebody's name although it is a word of vendors is masked where the command was
// told of it, or an answer says so.
func TestWordsThatAreNames(t *testing.T) {
	cred := providers.NewCredential(map[string][]providers.Secret{"pat": {providers.NewSecret("token-user-read-1234")}})
	r := report{plan: plan{
		auth: providers.AuthType{Name: "pat", Fields: []providers.Field{{Name: "pat", Kind: providers.Token}}}, named: []string{"platform", "user"},
	}, version: "v1", date: time.Now(), results: []result{{
		attempt: attempt{name: "good", cred: cred}, who: []string{"admin"},
		exchanges: []exchange{{
			method: "GET", host: "api.github.com", path: "/orgs/user/members/admin", status: 403, header: http.Header{"X-Oauth-Scopes": {"read:org"}},
			body: []byte(`{"message":"The token token-user-read-1234 of admin, team and user is denied","login":"team","user":{"login":"team"}}`),
		}},
	}}}
	text, err := r.answers()
	require.NoError(t, err)
	var a answer
	require.NoError(t, json.Unmarshal([]byte(text), &a))
	assert.Equal(t, map[string]any{"message": "The token xxxxx-xxxx-xxxx-0000 of xxxxx, xxxx and xxxx is denied", "login": "xxxx", "user": map[string]any{"login": "xxxx"}}, a.Body)
	assert.Equal(t, "/orgs/xxxx/members/xxxxx", a.Request.Path)
	assert.Equal(t, "read:org", a.Header["X-Oauth-Scopes"])
}

// If a credential were left in spite of it all, nothing would be printed.
func TestTheLastLook(t *testing.T) {
	secret := "https-github-com"
	cred := providers.NewCredential(map[string][]providers.Secret{"pat": {providers.NewSecret(secret)}})
	r := report{plan: plan{auth: providers.AuthType{Fields: []providers.Field{{Name: "pat", Kind: providers.Token}}}}, version: secret, results: []result{{
		attempt: attempt{name: "good", cred: cred}, exchanges: []exchange{{status: 200, header: http.Header{}}},
	}}}
	var out strings.Builder
	err := r.write(&out)
	require.ErrorContains(t, err, "nothing is printed")
	assert.NotContains(t, fmt.Sprintf("%+v", err), secret)
	assert.Empty(t, out.String())
}

// What makes an answer useful stays.
func TestWhatStays(t *testing.T) {
	s := newScrubber()
	a := s.answer(exchange{
		method: "GET", host: "api.github.com", path: "/user", query: "per_page=1", accept: "application/json", authScheme: "Bearer", status: 401,
		header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "X-Github-Api-Version-Selected": {"2022-11-28"}, "X-Ratelimit-Remaining": {"4982"}, "X-Ratelimit-Reset": {"1718013850"},
			"X-Oauth-Scopes": {"gist, read:org, repo"}, "X-Github-Request-Id": {"914E:19FF74:39926C"}, "Set-Cookie": {"a=b"},
			"Github-Authentication-Token-Expiration": {"2024-06-17 10:06:09 +0100"}, "X-Acme-Edge": {"1"},
		},
		body: []byte(`{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401","site_admin":false,"id":1000001,"email":null,"created_at":"2017-11-28T18:40:02Z","typeKey":"UnauthorizedRequestException","plan":[1,2,3,4]}`),
	})
	assert.Equal(t, request{Method: "GET", Host: "api.github.com", Path: "/user?per_page=1", Header: map[string]string{"Accept": "application/json", "Authorization": "Bearer <credential>"}}, a.Request)
	assert.Equal(t, map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-Github-Api-Version-Selected": "2022-11-28", "X-Ratelimit-Remaining": "4982", "X-Ratelimit-Reset": "1718013850",
		"X-Oauth-Scopes": "gist, read:org, repo", "X-Github-Request-Id": "000x:00xx00:00000x", "Github-Authentication-Token-Expiration": "2030-01-31 12:00:00 +0100",
	}, a.Header)
	one := json.Number("1")
	assert.Equal(t, map[string]any{
		"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401", "site_admin": false, "id": one, "email": nil,
		"created_at": "2030-01-31T12:00:00Z", "typeKey": "UnauthorizedRequestException", "plan": []any{one, one, one},
	}, a.Body)
	assert.Contains(t, a.Note, "Set-Cookie, X-xxxx-Edge", "names are shown as far as they are vendors'")
}

// An answer that is packed is shown as it is meant, and one that cannot be read is not.
func TestUnpacked(t *testing.T) {
	assert.Equal(t, "{}", string(unpacked([]byte("{}"), "")))
	packed, err := base64.StdEncoding.DecodeString("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==")
	require.NoError(t, err)
	assert.Equal(t, "{}", string(unpacked(packed, "GZIP")))
	assert.Empty(t, unpacked([]byte("{}"), "gzip"))
	assert.Empty(t, unpacked([]byte("{}"), "br"))
}

// The words hold no name that a fake or a recorded answer gives to somebody.
func TestNoNameIsAWord(t *testing.T) {
	words := vocabulary()
	assert.Greater(t, len(words), 400)
	for _, name := range []string{"ada", "mia", "noah", "octocat", "hubot", "monalisa", "grace", "acme", "contoso", "fabrikam", "dnceng", "mark", "bill", "hope", "will"} {
		assert.NotContains(t, words, name)
	}
	files, err := filepath.Glob("../../providers/*/*test/fixtures/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var recorded map[string]struct {
			Body json.RawMessage `json:"body"`
		}
		require.NoError(t, json.Unmarshal(data, &recorded))
		for name, r := range recorded {
			var body any
			if json.Unmarshal(r.Body, &body) == nil {
				shown, _ := newScrubber().body("application/json", r.Body)
				text, err := json.Marshal(shown)
				require.NoError(t, err)
				assert.NotRegexp(t, `(?i)example[- ]user|octocat|[a-z]@[a-z]+\.(com|org)[^"]`, strings.ReplaceAll(string(text), "person@example.com", ""), "%s in %s", name, file)
			}
		}
	}
}
