package torture_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// lasting is a credential of OAuth that a person consents to once. From then on readers use it
// all the time, and its access tokens live accessLife: it lasts by its renewals.
type lasting struct {
	*subject
	// server issues the tokens, at the path that ends with tokens.
	server   providertest.Fake
	tokens   string
	renewals func() int // how often it was asked to renew a token
}

// lastingBitbucket is one whose refresh tokens are good for one use.
func (r *torture) lastingBitbucket(t *testing.T) *lasting {
	t.Helper()
	w, callback := r.fakes.World, r.servers[0].Addr+"/v1/sei/oauth/callback"
	w.Bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: "a-bitbucket-secret", RedirectURI: callback, Scopes: []string{"account"}})
	w.Bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	w.Bitbucket.SetLife(accessLife)
	l := &lasting{
		subject: &subject{lasts: true, ledger: newLedger("lasting"), names: []string{"lasting"}, address: "https://" + bitbuckettest.BitbucketAPIHost + "/2.0/user"},
		server:  w.Bitbucket, tokens: "/site/oauth2/access_token", renewals: w.Bitbucket.Refreshes,
	}
	r.beginLasting(t, l, map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": "a-bitbucket-secret", "redirect_uri": callback,
	}, func(url string) map[string]any {
		back, err := w.Consent(url, true)
		require.NoError(t, err)
		return map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")}
	})
	return l
}

// lastingEntra is one whose refresh tokens go on working after their use.
func (r *torture) lastingEntra(t *testing.T) *lasting {
	t.Helper()
	from := r.consenting()
	settings := maps.Clone(from.integrations["entra"])
	settings["credential_group"] = "lasting" // else it would be the same record
	l := &lasting{
		subject: &subject{lasts: true, ledger: newLedger("lasting"), names: []string{"lasting"}, address: from.address},
		server:  r.fakes.World.Entra, tokens: "/oauth2/v2.0/token", renewals: r.fakes.World.Entra.Refreshes,
	}
	r.beginLasting(t, l, settings, func(url string) map[string]any {
		body, err := from.consent(0, url)
		require.NoError(t, err)
		return body
	})
	return l
}

// beginLasting configures it, lets a person consent, and begins to read.
func (r *torture) beginLasting(t *testing.T, l *lasting, settings map[string]any, consent func(url string) map[string]any) {
	t.Helper()
	client := r.clients[0].Logical()
	if settings["proxy_url"] == nil {
		settings["proxy_url"], settings["ca_cert"] = r.fakes.URLs["PROXY"], r.fakes.World.CAPEM()
	}
	harness.Write(t, client, "sei/integrations/lasting", settings)
	begun, err := client.WriteWithContext(t.Context(), "sei/oauth/authorize/lasting", nil)
	require.NoError(t, err)
	url, _ := begun.Data["authorize_url"].(string)
	harness.Write(t, client, "sei/reauth/lasting", consent(url))
	const readPause = 100 * time.Millisecond
	r.lasting = append(r.lasting, l.subject)
	r.running.Go(func() {
		for r.pause(readPause) {
			r.read(r.anyClient(), l.subject, "lasting")
		}
	})
}
