package acceptance_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// comeBack is a browser that was sent back with a code and a state.
type comeBack struct {
	t   *testing.T
	url *url.URL
}

// begin begins an authorization at the mount sei and consents to it. A code that is given
// takes the place of the one that was issued.
func begin(t *testing.T, server *server, w *catalogtest.World, name, code string) comeBack {
	t.Helper()
	return beginAt(t, server, w, "sei/oauth/authorize/"+name, code)
}

// beginAt does so at any path.
func beginAt(t *testing.T, server *server, w *catalogtest.World, path, code string) comeBack {
	t.Helper()
	begun, err := server.client(t).Logical().WriteWithContext(t.Context(), path, nil)
	require.NoError(t, err)
	address, _ := begun.Data["authorize_url"].(string)
	back, err := w.Consent(address, true)
	require.NoError(t, err)
	if code != "" {
		query := back.Query()
		query.Set("code", code)
		back.RawQuery = query.Encode()
	}
	return comeBack{t, back}
}

// finish opens the page at which the browser comes back.
func (b comeBack) finish(status int) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url.String(), http.NoBody)
	require.NoError(b.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	assert.Equal(b.t, status, answer.StatusCode, "%s", page)
}
