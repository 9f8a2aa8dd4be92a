package harness

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

// Returned is a browser that was sent back with a code and a state.
type Returned struct {
	t   *testing.T
	URL *url.URL
}

// Begin begins an authorization at the mount sei and consents to it. A code that is given
// takes the place of the one that was issued.
func Begin(t *testing.T, server *Server, w *catalogtest.World, name, code string) Returned {
	t.Helper()
	return BeginAt(t, server, w, "sei/oauth/authorize/"+name, code)
}

// BeginAt does so at any path.
func BeginAt(t *testing.T, server *Server, w *catalogtest.World, path, code string) Returned {
	t.Helper()
	begun, err := server.Client(t).Logical().WriteWithContext(t.Context(), path, nil)
	require.NoError(t, err)
	address, _ := begun.Data["authorize_url"].(string)
	back, err := w.Consent(address, true)
	require.NoError(t, err)
	if code != "" {
		query := back.Query()
		query.Set("code", code)
		back.RawQuery = query.Encode()
	}
	return Returned{t, back}
}

// Finish opens the page at which the browser comes back.
func (b Returned) Finish(status int) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL.String(), http.NoBody)
	require.NoError(b.t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	assert.Equal(b.t, status, answer.StatusCode, "%s", page)
}
