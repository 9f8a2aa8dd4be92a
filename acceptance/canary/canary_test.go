package canary_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/canary"
)

// awkward reads differently in every form.
const awkward = `s3cr+t/k=y"q\b&<t>ü-end?`

func needles(secrets ...string) *canary.Needles {
	var set canary.Set
	for i, secret := range secrets {
		set.Add(fmt.Sprintf("kind %d", i), secret)
	}
	return set.Needles()
}

func TestEveryFormIsFound(t *testing.T) {
	n := needles(awkward)
	asJSON := func(v any) string {
		data, err := json.Marshal(v)
		require.NoError(t, err)
		return string(data)
	}
	plainJSON := func(v any) string {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		require.NoError(t, encoder.Encode(v))
		return b.String()
	}
	cases := map[string]string{
		"plain":                  "token=" + awkward + "; next",
		"JSON":                   plainJSON(map[string]string{"a": awkward}),
		"JSON with HTML escaped": asJSON(map[string]string{"a": awkward}),
		"JSON in JSON":           asJSON([]string{asJSON(map[string]string{"a": awkward})}),
		"Go's %q":                fmt.Sprintf("%q", awkward),
		"Go's %+q":               fmt.Sprintf("%+q", awkward),
		"hclog":                  `cause="` + strings.ReplaceAll(fmt.Sprintf("%q", awkward), `"`, `\"`) + `"`,
		"%q in JSON":             asJSON(fmt.Sprintf("%q", awkward)),
		"%q in %q":               fmt.Sprintf("%q", fmt.Sprintf("%q", awkward)),
		"JSON in base64":         base64.StdEncoding.EncodeToString([]byte(asJSON(map[string]string{"a": awkward}))),
		"URL query in JSON":      asJSON("/?" + url.Values{"a": {awkward}, "b": {"x"}}.Encode()),
		"HTML":                   "<b>" + html.EscapeString(awkward) + "</b>",
		"URL query":              "/?" + url.Values{"a": {awkward}, "b": {"x"}}.Encode(),
		"URL path":               (&url.URL{Path: "/a"}).JoinPath(url.PathEscape(awkward)).EscapedPath(),
		"lower case":             strings.ToLower("%2B%2F") + lower(url.QueryEscape(awkward)),
		"hex":                    fmt.Sprintf("%x", awkward),
		"HEX":                    fmt.Sprintf("%X", awkward),
		"bytes":                  fmt.Sprintf("%d", []byte("before"+awkward+"after")),
	}
	for name, text := range cases {
		found := n.In(text)
		assert.NotEmpty(t, found, "%s: %s", name, text)
		assert.NotContains(t, fmt.Sprint(found), awkward, "a find does not spread the secret")
	}
}

func TestBase64IsFoundWhereverTheSecretStands(t *testing.T) {
	n := needles(awkward)
	for before := range 7 {
		for after := range 4 {
			text := strings.Repeat("m", before) + awkward + strings.Repeat("~", after)
			for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
				assert.NotEmpty(t, n.In("Authorization: Basic "+e.EncodeToString([]byte(text))+"\n"), "%d before, %d after", before, after)
			}
		}
	}
}

func TestOtherTextIsNot(t *testing.T) {
	n := needles(awkward, "a-second-secret")
	for _, text := range []string{"", "short", awkward[1:], awkward[:len(awkward)-1], "a-second-secre", "A-SECOND-SECRET", strings.Repeat("hmac-sha256:0123456789abcdef", 100)} {
		assert.Empty(t, n.In(text), text)
	}
}

func TestPlacesAndKinds(t *testing.T) {
	found := needles("first-secret", "second-secret").In("x first-secret y second-secret")
	require.Len(t, found, 2)
	assert.Equal(t, canary.Find{Kind: "kind 0", Form: "plain", At: 2, End: 14}, found[0])
	assert.Equal(t, "kind 1", found[1].Kind)
	assert.Equal(t, "a secret (kind 1) as plain", found[1].String())
}

func TestWhatASetTakes(t *testing.T) {
	var set canary.Set
	set.Add("token", "one-token-of-many")
	set.Add("shown token", " one-token-of-many\n")
	set.Add("token", "short")
	set.Add("endless", strings.Repeat("a-long-one", 10_000))
	assert.Equal(t, 2, set.Len())
	assert.Equal(t, 1, set.Short())
	assert.Equal(t, []string{"endless", "token"}, set.Kinds())
	assert.NotEmpty(t, set.Needles().In(strings.Repeat("a-long-one", 10_000)))
}

// Thousands of secrets in many megabytes take seconds, or nobody would search.
func TestSearchIsOnePass(t *testing.T) {
	var set canary.Set
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		set.Add("token", fmt.Sprintf("glpat-%016x%016x", random.Uint64(), random.Uint64()))
	}
	line := `{"time":"2026-01-01T00:00:00Z","type":"response","auth":{"client_token":"hmac-sha256:%016x%016x%016x%016x"},"request":{"path":"sei/reauth/jira"}}` + "\n"
	var b bytes.Buffer
	for b.Len() < 16<<20 {
		fmt.Fprintf(&b, line, random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
	}
	n, begun := set.Needles(), time.Now()
	n.Search(b.Bytes(), func(f canary.Find) { t.Error(f) })
	took := time.Since(begun)
	t.Logf("%d patterns in %d MiB: %s", n.Len(), b.Len()>>20, took)
	assert.Less(t, took, 20*time.Second)
}

func lower(text string) string {
	out := []byte(text)
	for i := range len(out) - 2 {
		if out[i] == '%' {
			copy(out[i:], bytes.ToLower(out[i:i+3]))
		}
	}
	return string(out)
}

func TestVerifiersAreFoundByTheirChallenges(t *testing.T) {
	verifier := "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // of RFC 7636, appendix B
	challenges := []string{"another", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}
	for text, want := range map[string]int{
		"verifier=" + verifier + "&x": 9, "x" + verifier + "y": 1, verifier: 0,
		verifier[1:]: -1, "": -1, strings.Repeat("0123456789abcdef", 9): -1,
	} {
		at := -1
		canary.Verifiers(challenges, []byte(text), func(f canary.Find) { at = f.At })
		assert.Equal(t, want, at, text)
	}
	canary.Verifiers(nil, []byte(verifier), func(f canary.Find) { t.Error(f) })
}
