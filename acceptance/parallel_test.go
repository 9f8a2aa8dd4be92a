package acceptance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// writers re-authenticate one integration at the same time, each with an account
// of its own.
const writers = 32

// No re-authentication is lost, and no reader ever sees the e-mail address of one
// credential with the key of another.
func TestParallelReauthentication(t *testing.T) {
	server, fakes := startDev(t), startFakes(t)
	server.mount(t, "sei")
	client := server.client(t).Logical()
	write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1"})
	write(t, client, "sei/integrations/jira", map[string]any{"provider": "jira", "auth_type": "api_key", "url": fakes.urls["JIRA"]})
	for n := range writers {
		fakes.world.Jira.AddAPIToken(emailOf(n), keyOf(n))
	}

	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		reader := server.client(t).Logical()
		reading.Go(func() { readUntil(t, reader, done) })
	}
	versions := make([]int, writers)
	for n := range writers {
		writer := server.client(t).Logical()
		writing.Go(func() { versions[n] = reauthenticate(t, writer, n) })
	}
	writing.Wait()
	close(done)
	reading.Wait()

	slices.Sort(versions)
	for n, version := range versions {
		require.Equal(t, n+1, version, "versions %v", versions)
	}
	_, last := readPair(t.Context(), t, server.client(t).Logical())
	assert.Equal(t, writers, last)
}

func emailOf(n int) string { return fmt.Sprintf("user%d@example.com", n) }

func keyOf(n int) string { return fmt.Sprintf("parallel-key-of-user%d", n) }

func write(t *testing.T, client *api.Logical, path string, data map[string]any) {
	t.Helper()
	_, err := client.WriteWithContext(t.Context(), path, data)
	require.NoError(t, err)
}

// reauthenticate returns the version that it made. Like readUntil it runs beside
// the test, where only assert may be used.
func reauthenticate(t *testing.T, client *api.Logical, n int) int {
	t.Helper()
	answer, err := client.WriteWithContext(t.Context(), "sei/reauth/jira",
		map[string]any{"email": emailOf(n), "api_key": keyOf(n)})
	if !assert.NoError(t, err) || !assert.NotNil(t, answer) {
		return 0
	}
	return versionOf(t, answer.Data)
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
	return true, versionOf(t, secret.Data)
}

func versionOf(t *testing.T, data map[string]any) int {
	t.Helper()
	number, ok := data["version"].(json.Number)
	if !assert.True(t, ok, "version is %T", data["version"]) {
		return 0
	}
	version, err := strconv.Atoi(number.String())
	assert.NoError(t, err)
	return version
}

// readers read one credential at the moment when its access token ends.
const readers = 50

// However many readers there are, the upstream is asked once, and all get the token
// that it issued.
func TestParallelRefresh(t *testing.T) {
	server, fakes := startDev(t), startFakes(t)
	server.mount(t, "sei")
	client, bitbucket := server.client(t).Logical(), fakes.world.Bitbucket
	callback := server.addr + "/v1/sei/oauth/callback"
	bitbucket.AddClient(authserver.OAuthClient{ID: "engine", Secret: "a-client-secret", RedirectURI: callback, Scopes: []string{"account"}})
	bitbucket.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	write(t, client, "sei/config", map[string]any{"allowed_hosts": "http://127.0.0.1,https://bitbucket.org,https://api.bitbucket.org"})
	write(t, client, "sei/integrations/bb", map[string]any{
		"provider": "bitbucket", "auth_type": "oauth", "client_id": "engine", "client_secret": "a-client-secret", "redirect_uri": callback,
		"proxy_url": fakes.world.ProxyURL(), "ca_cert": fakes.world.CAPEM(),
	})
	const life = 2 * time.Second
	bitbucket.SetLife(life)
	begun, err := client.WriteWithContext(t.Context(), "sei/oauth/authorize/bb", nil)
	require.NoError(t, err)
	url, _ := begun.Data["authorize_url"].(string)
	back, err := fakes.world.Consent(url, true)
	require.NoError(t, err)
	issued := time.Now()
	write(t, client, "sei/reauth/bb", map[string]any{"code": back.Query().Get("code"), "state": back.Query().Get("state")})

	bitbucket.SetLife(time.Hour)
	time.Sleep(time.Until(issued.Add(life)))
	tokens := make([]string, readers)
	var reading sync.WaitGroup
	for n := range readers {
		reader := server.client(t).Logical()
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
	assert.Equal(t, 1, bitbucket.Refreshes())
}
