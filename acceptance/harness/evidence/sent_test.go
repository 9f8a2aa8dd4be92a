package evidence

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSecretsAreKnownByWhereTheyAreSent(t *testing.T) {
	cases := []struct {
		path, body string
		want       []secretSent
	}{
		{"sei/reauth/a", `{"email":"a@example.com","api_key":"one","expires_at":"2027-01-01"}`, []secretSent{{"api_key sent to reauth/", "one"}}},
		{"sei/validate/a", `{"pat":["one",{"deep":"two"}]}`, []secretSent{{"pat sent to validate/ in a list", "one"}, {"pat sent to validate/ in a list in an object", "two"}}},
		{"sei/reauth/a", `{"pat":"one,two"}`, []secretSent{{"pat sent to reauth/", "one,two"}, {"pat sent to reauth/", "one"}, {"pat sent to reauth/", "two"}}},
		{"sei/reauth/a", `{"apikey":"one","api_key":12}`, []secretSent{{"api_key sent to reauth/ as a number", "12"}, {"unknown field sent to reauth/", "one"}}},
		{"sei/integrations/a", `{"url":"https://a.example","client_secret":"one","client_id":"two","api_key":"three"}`, []secretSent{{"api_key sent to integrations/", "three"}, {"client_secret sent to integrations/", "one"}}},
		{"sei/config", `{"allowed_hosts":"a.example"}`, nil},
		{"sei/reauth/a", `no JSON`, nil},
		{"sys/mounts/sei", `{"type":"one"}`, nil},
	}
	for _, c := range cases {
		assert.Equal(t, c.want, newSent().secrets("/v1/"+c.path, []byte(c.body)), c.body)
	}
}
