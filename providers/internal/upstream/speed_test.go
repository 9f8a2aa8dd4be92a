package upstream_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	b.Cleanup(server.Close)
	allowed, err := upstream.ParseAllowedHosts([]string{"http://127.0.0.1"})
	require.NoError(b, err)
	client := upstream.New("test")
	b.Cleanup(client.Close)
	route := upstream.Route{AllowedHosts: allowed}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Do(b.Context(), route, upstream.Request{Method: http.MethodGet, URL: server.URL, ReadOnly: true}); err != nil {
			b.Fatal(err)
		}
	}
}
