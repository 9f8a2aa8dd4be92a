package vaultapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/console/vaultapi"
)

// vault is a server that knows one token.
func vault(t *testing.T, token *string, answer http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != *token {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("VAULT_CONFIG_PATH", filepath.Join(home, "none"))
	t.Setenv("VAULT_NAMESPACE", "team-a/")
}

func signIn(t *testing.T, token string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("HOME"), ".vault-token"), []byte(token+"\n"), 0o600))
}

func TestTheTokenHelper(t *testing.T) {
	token, asked := "first", 0
	vault(t, &token, func(w http.ResponseWriter, r *http.Request) {
		asked++
		assert.Equal(t, "team-a/", r.Header.Get("X-Vault-Namespace"))
		_, _ = io.WriteString(w, `{"data":{"total":3},"warnings":["one"]}`)
	})
	_, err := vaultapi.New()
	require.ErrorContains(t, err, "vault login")
	signIn(t, "first")
	c, err := vaultapi.New()
	require.NoError(t, err)
	assert.Equal(t, "team-a", c.Namespace())
	var data struct{ Total int }
	warnings, err := c.Read(t.Context(), "sei/status", &data)
	require.NoError(t, err)
	assert.Equal(t, 3, data.Total)
	assert.Equal(t, []string{"one"}, warnings)

	token = "second" // the first has ended
	_, err = c.Read(t.Context(), "sei/status", &data)
	var refused *vaultapi.Refusal
	require.ErrorAs(t, err, &refused)
	assert.True(t, refused.Ended())
	signIn(t, "second")
	_, err = c.Read(t.Context(), "sei/status", &data)
	require.NoError(t, err, "who signs in again need not start again")
	assert.Equal(t, 2, asked)
}

// A credential is sent once, whatever comes of it.
func TestNothingIsSentTwice(t *testing.T) {
	token, asked := "token", 0
	vault(t, &token, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, `{"errors":["upstream_error: GitLab: an answer that is none"],"data":{"code":"upstream_error","retry_after":30,"fields":["pat"]}}`)
	})
	t.Setenv("VAULT_TOKEN", "token")
	c, err := vaultapi.New()
	require.NoError(t, err)
	_, err = c.Write(t.Context(), "sei/reauth/x", map[string]any{"pat": "canary"}, nil)
	var refused *vaultapi.Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, vaultapi.Refusal{Status: 502, Code: "upstream_error", Sentence: "GitLab: an answer that is none", Fields: []string{"pat"}, RetryAfter: 30}, *refused)
	assert.Equal(t, 1, asked)
}

func TestAnswersThatAreNone(t *testing.T) {
	token, body, status := "token", "", 200
	vault(t, &token, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	t.Setenv("VAULT_TOKEN", "token")
	c, err := vaultapi.New()
	require.NoError(t, err)
	var data map[string]any
	body = "<html>a proxy</html>"
	_, err = c.Read(t.Context(), "x", &data)
	require.ErrorContains(t, err, "is not Vault")
	assert.NotContains(t, err.Error(), "proxy")
	status, body = 404, `{"errors":[]}`
	_, err = c.List(t.Context(), "x", &data)
	require.NoError(t, err, "a list of nothing")
	_, err = c.Read(t.Context(), "x", &data)
	require.Error(t, err)
	t.Setenv("VAULT_ADDR", "http://user:canary@127.0.0.1:1")
	c, err = vaultapi.New()
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1:1", c.Address())
	_, err = c.Read(t.Context(), "x", &data)
	var gone *vaultapi.Unreachable
	require.ErrorAs(t, err, &gone)
	assert.NotContains(t, err.Error(), "canary")
}

// An address that cannot be read may hold a password all the same.
func TestAnAddressThatIsNone(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("VAULT_TOKEN", "token")
	for _, address := range []string{"http://user:canary@host:port", "http://user:can ary@host", "http://user:canary/x@host", "http://canary%zz", "http://user:canary@host\x7f"} {
		t.Setenv("VAULT_ADDR", address)
		_, err := vaultapi.New()
		require.Error(t, err, address)
		assert.NotContains(t, err.Error(), "canary", address)
		assert.Contains(t, err.Error(), "an address cannot be read: ", address)
	}
}

func TestRights(t *testing.T) {
	token := "token"
	vault(t, &token, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"sei/a":["read"],"sei/b":["deny"],"sei/c":["root"],"capabilities":["read"]}}`)
	})
	t.Setenv("VAULT_TOKEN", "token")
	c, err := vaultapi.New()
	require.NoError(t, err)
	rights, err := c.Rights(t.Context(), "sei/a", "sei/b", "sei/c", "sei/d")
	require.NoError(t, err)
	assert.True(t, rights.May("sei/a", "read"))
	assert.False(t, rights.May("sei/a", "update"))
	assert.False(t, rights.May("sei/b", "read"))
	assert.True(t, rights.May("sei/c", "update"))
	assert.False(t, rights.May("sei/d", "read"))
}

// An answer may take its time after it began.
func TestASlowAnswer(t *testing.T) {
	token := "token"
	vault(t, &token, func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		time.Sleep(50 * time.Millisecond)
		_, _ = io.WriteString(w, `{"data":{"total":3}}`)
	})
	t.Setenv("VAULT_TOKEN", "token")
	c, err := vaultapi.New()
	require.NoError(t, err)
	var data struct{ Total int }
	_, err = c.Write(t.Context(), "x", map[string]any{}, &data)
	require.NoError(t, err)
	assert.Equal(t, 3, data.Total)
	_, err = c.Read(t.Context(), "x", &data)
	require.NoError(t, err)
	t.Setenv("VAULT_CLIENT_TIMEOUT", "10ms")
	c, err = vaultapi.New()
	require.NoError(t, err)
	_, err = c.Write(t.Context(), "x", map[string]any{}, &data)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
