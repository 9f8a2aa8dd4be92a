package evidence

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An answer is kept, unless it is a credential.
func TestTheRecorderKeepsAnswers(t *testing.T) {
	t.Setenv(envEvidence, "") // which it was
	own, err := New()
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(own.dir) })
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/fake/creds/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "answer-of-"+r.URL.Path+"?"+r.URL.RawQuery+`<input type="hidden" name="code" value="the-code"><input type="hidden" name="other" value="another">`)
	}))
	t.Cleanup(vault.Close)
	dir := t.TempDir()
	address := Record(t, vault.Listener.Addr().String(), dir)
	for _, path := range []string{"fake/integrations/a", "fake/creds/a", "fake/creds/gone", "fake/creds/a/report", "fake/oauth/authorize/a", "sys/raw/logical", "fake/oauth/callback?code=x;y"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/v1/"+path, http.NoBody)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Contains(t, string(body), "answer-of-/v1/"+path)
	}
	answers, err := os.ReadFile(filepath.Join(dir, answersFile))
	require.NoError(t, err)
	authorizations, err := os.ReadFile(filepath.Join(dir, authorizationsFile))
	require.NoError(t, err)
	for _, path := range []string{"fake/integrations/a", "fake/creds/gone", "fake/creds/a/report", "fake/oauth/callback?code=x;y"} {
		require.Contains(t, string(answers), "answer-of-/v1/"+path)
	}
	for _, path := range []string{"fake/creds/a?", "sys/raw", "oauth/authorize"} {
		require.NotContains(t, string(answers), "answer-of-/v1/"+path)
	}
	require.Contains(t, string(authorizations), "answer-of-/v1/fake/oauth/authorize/a")
	_, callback, _ := strings.Cut(string(answers), "callback?code=x;y")
	require.NotContains(t, callback, "the-code", "a form sends back what the address says")
	require.Contains(t, callback, "another")
	require.Equal(t, 3, strings.Count(string(answers), "the-code"), "all others are kept whole")
}
