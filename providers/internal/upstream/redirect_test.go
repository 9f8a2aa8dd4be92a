package upstream_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// A hostile upstream puts what it was sent into the host of a redirect.
func TestARedirectToWhatWasSentIsNotTold(t *testing.T) {
	const secret = "Tok-en_AbCdEf0123456789.xYz"
	long := strings.Repeat("Abcdefghij0123456789", 60)
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("mia@acme.example.com:"+password))
	}
	for name, c := range map[string]struct {
		header http.Header
		body   string
		host   string
		told   bool
	}{
		"bearer":                {header: http.Header{"Authorization": {"Bearer " + secret}}, host: secret + ".example.org"},
		"bearer, small":         {header: http.Header{"Authorization": {"Bearer " + secret}}, host: strings.ToLower(secret) + ".example.org"},
		"bearer, in two labels": {header: http.Header{"Authorization": {"Bearer " + secret}}, host: secret[:10] + "." + secret[10:] + ".example.org"},
		"bearer, a part":        {header: http.Header{"Authorization": {"Bearer " + long}}, host: long[30:90] + ".example.org"},
		"bearer, as hex":        {header: http.Header{"Authorization": {"Bearer " + secret}}, host: hex.EncodeToString([]byte(secret)) + ".example.org"},
		"a header of its own":   {header: http.Header{"Private-Token": {secret}}, host: secret + ".example.org"},
		"basic":                 {header: http.Header{"Authorization": {basic(secret)}}, host: secret + ".example.org"},
		"basic, encoded":        {header: http.Header{"Authorization": {basic("a%2Bb" + secret)}}, host: "ab" + secret + ".example.org"},
		"basic, whole":          {header: http.Header{"Authorization": {basic("key-1234567")}}, host: strings.Trim(strings.TrimPrefix(basic("key-1234567"), "Basic "), "=") + ".example.org"},
		"a form":                {body: "grant_type=refresh_token&refresh_token=" + secret, host: secret + ".example.org"},
		"a short code":          {body: "code=Code1234", host: "code1234.example.org"},
		"a client's secret":     {body: "client_id=engine&client_secret=" + secret, host: "x." + secret + ".example.org"},
		"JSON":                  {body: `{"token":{"values":["` + secret + `"]}}`, host: secret + ".example.org"},
		"nothing sent":          {header: http.Header{"Authorization": {"Bearer " + secret}}, host: "sso.example.org", told: true},
		"the domain of a user":  {header: http.Header{"Authorization": {basic(secret)}}, host: "sso.acme.example.com", told: true},
		"the domain of a page":  {body: "grant_type=authorization_code&redirect_uri=https%3A%2F%2Fvault.acme.example.com%2Fv1%2Fsei&code=" + secret, host: "authorization-code.acme.example.com", told: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://"+c.host+"/")
				w.WriteHeader(http.StatusFound)
			}))
			t.Cleanup(server.Close)
			client := upstream.New("test")
			t.Cleanup(client.Close)
			hosts, err := upstream.ParseAllowedHosts([]string{"http://127.0.0.1"})
			require.NoError(t, err)
			res, err := client.Do(t.Context(), upstream.Route{AllowedHosts: hosts}, upstream.Request{Method: http.MethodPost, URL: server.URL, Header: c.header, Body: []byte(c.body)})
			require.NoError(t, err)
			origin, _ := res.Leads()
			if c.told {
				assert.Equal(t, "https://"+c.host, origin)
			} else {
				assert.Empty(t, origin)
			}
		})
	}
}
