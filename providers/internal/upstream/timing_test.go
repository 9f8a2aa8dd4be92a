package upstream_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Each request that is sent is timed, one that is sent again twice, and one that is not
// allowed not at all.
func TestRequestsAreTimed(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	client := upstream.New("test")
	t.Cleanup(client.Close)
	timed := map[string]int{}
	client.TimeRequests(func(asker string, took time.Duration) {
		assert.Positive(t, took)
		timed[asker]++
	})
	_, err := client.Do(t.Context(), s.route, upstream.Request{Method: http.MethodPost, URL: s.URL, Asker: "once"})
	require.NoError(t, err)
	_, err = client.Do(t.Context(), s.route, upstream.Request{Method: http.MethodGet, URL: s.URL, ReadOnly: true, Asker: "twice"})
	require.NoError(t, err)
	_, err = client.Do(t.Context(), upstream.Route{}, upstream.Request{Method: http.MethodGet, URL: s.URL, Asker: "never"})
	require.Error(t, err)
	assert.Equal(t, map[string]int{"once": 1, "twice": 2}, timed)
}
