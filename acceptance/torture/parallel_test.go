package torture_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// writers re-authenticate one integration at the same time, each with an account
// of its own.
const writers = 32

// No re-authentication is lost, and no reader ever sees the e-mail address of one
// credential with the key of another.
func TestParallelReauthentication(t *testing.T) {
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	client := server.Client(t).Logical()
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	harness.Write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.URLs["JIRA"]})
	for n := range writers {
		fakes.World.Jira.AddAPIToken(emailOf(n), keyOf(n))
	}

	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		reader := server.Client(t).Logical()
		reading.Go(func() { readUntil(t, reader, done) })
	}
	versions := make([]int, writers)
	for n := range writers {
		writer := server.Client(t).Logical()
		writing.Go(func() { versions[n] = reauthenticate(t, writer, n) })
	}
	writing.Wait()
	close(done)
	reading.Wait()

	slices.Sort(versions)
	for n, version := range versions {
		require.Equal(t, n+1, version, "versions %v", versions)
	}
	_, last := readPair(t.Context(), t, server.Client(t).Logical())
	assert.Equal(t, writers, last)
}

func emailOf(n int) string { return fmt.Sprintf("user%d@example.com", n) }

func keyOf(n int) string { return fmt.Sprintf("parallel-key-of-user%d", n) }

// reauthenticate returns the version that it made. Like readUntil it runs beside
// the test, where only assert may be used.
func reauthenticate(t *testing.T, client *api.Logical, n int) int {
	t.Helper()
	answer, err := client.WriteWithContext(t.Context(), "sei/reauth/jira",
		map[string]any{"email": emailOf(n), "api_key": keyOf(n)})
	if !assert.NoError(t, err) || !assert.NotNil(t, answer) {
		return 0
	}
	return harness.VersionOf(t, answer.Data)
}

// readUntil reads all the time, and demands pairs that match and versions that
// never go back.
func readUntil(t *testing.T, client *api.Logical, done <-chan struct{}) {
	t.Helper()
	before := 0
	for {
		select {
		case <-done:
			return
		default:
		}
		found, version := readPair(t.Context(), t, client)
		if found && !assert.GreaterOrEqual(t, version, before) {
			return
		}
		before = version
	}
}

// readPair returns false while there is no credential yet.
func readPair(ctx context.Context, t *testing.T, client *api.Logical) (found bool, version int) {
	t.Helper()
	secret, err := client.ReadWithContext(ctx, "sei/creds/jira")
	if !assert.NoError(t, err) || secret == nil {
		return false, 0
	}
	email, _ := secret.Data["email"].(string)
	key, _ := secret.Data["api_key"].(string)
	assert.Equal(t, "parallel-key-of-"+email, key+"@example.com")
	return true, harness.VersionOf(t, secret.Data)
}

// readers read one credential at the moment when its access token ends.
const readers = 50

// However many readers there are, the upstream is asked once, and all get the token
// that it issued.
func TestParallelRefresh(t *testing.T) {
	server, fakes := harness.StartDev(t), harness.StartFakes(t)
	server.Mount(t, "sei")
	expireAtBitbucket(t, server, fakes)
	assertOneRefresh(t, fakes, server)
}

// expireAtBitbucket makes the integration bb, whose access token has just ended when it
// returns. The next one lives for an hour.
func expireAtBitbucket(t *testing.T, server *harness.Server, fakes *harness.Fakes) {
	t.Helper()
	client, bitbucket := server.Client(t).Logical(), fakes.World.Bitbucket
	callback := server.Addr + "/v1/sei/oauth/callback"
	bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: "a-client-secret", RedirectURI: callback, Scopes: []string{"account"}})
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	harness.Write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1,https://bitbucket.org,https://api.bitbucket.org"})
	harness.Write(t, client, "sei/integrations/bb", map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": "a-client-secret", "redirect_uri": callback,
		"proxy_url": fakes.World.ProxyURL(), "ca_cert": fakes.World.CAPEM(),
	})
	const life = 2 * time.Second
	bitbucket.SetLife(life)
	begun, err := client.WriteWithContext(t.Context(), "sei/oauth/authorize/bb", nil)
	require.NoError(t, err)
	url, _ := begun.Data["authorize_url"].(string)
	back, err := fakes.World.Consent(url, true)
	require.NoError(t, err)
	issued := time.Now()
	harness.Write(t, client, "sei/reauth/bb", map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")})

	bitbucket.SetLife(time.Hour)
	time.Sleep(time.Until(issued.Add(life)))
}

// assertOneRefresh reads bb at all servers at once.
func assertOneRefresh(t *testing.T, fakes *harness.Fakes, servers ...*harness.Server) {
	t.Helper()
	tokens := make([]string, readers)
	var reading sync.WaitGroup
	for n := range readers {
		reader := servers[n%len(servers)].Client(t).Logical()
		reading.Go(func() {
			secret, err := reader.ReadWithContext(t.Context(), "sei/creds/bb")
			if assert.NoError(t, err) && assert.NotNil(t, secret) {
				tokens[n], _ = secret.Data["access_token"].(string)
			}
		})
	}
	reading.Wait()
	slices.Sort(tokens)
	assert.Len(t, slices.Compact(tokens), 1)
	assert.Equal(t, 1, fakes.World.Bitbucket.Refreshes())
}
