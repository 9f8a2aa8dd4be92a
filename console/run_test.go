package console

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How long a request takes to be answered is Vault's, and none of the server's limits.
func TestNoLimitEndsAnAnswerThatTakesItsTime(t *testing.T) {
	server := newServer(http.NotFoundHandler())
	assert.Zero(t, server.ReadTimeout, "it would end the contexts of handlers, too")
	assert.Zero(t, server.WriteTimeout)
	assert.NotZero(t, server.ReadHeaderTimeout)
}

// The program does not end while Vault rotates: what came of it would be lost.
func TestTheEndWaitsForARotation(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/sys/capabilities-self" {
			_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"sei/rotate/x": []string{"update"}}})
			return
		}
		close(begun)
		<-release
		_, _ = io.WriteString(w, `{"data":{"version":2}}`)
	}))
	defer vault.Close()
	t.Setenv("VAULT_ADDR", vault.URL)
	t.Setenv("VAULT_TOKEN", "token")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	output, input := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Mount: "sei", NoBrowser: true}, input, io.Discard) }()
	link := make([]byte, 4096)
	n, err := output.Read(link)
	require.NoError(t, err)

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	// No redirects: the page that they lead to is after the end.
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	start := strings.TrimSpace(string(link[:n]))
	folder := find(t, `url=(/[^"]+/)"`, get(t, browser, start))
	at, err := url.Parse(start)
	require.NoError(t, err)
	pages := "http://" + at.Host + folder
	token := find(t, `name="_token" value="([^"]+)"`, get(t, browser, pages+"integration?mount=sei/&name=x"))
	answered := make(chan int, 1)
	go func() {
		request, _ := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, pages+"rotate?mount=sei/&name=x", strings.NewReader(url.Values{"_token": {token}}.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "http://"+at.Host)
		response, err := browser.Do(request)
		if err != nil {
			answered <- 0
			return
		}
		_ = response.Body.Close()
		answered <- response.StatusCode
	}()
	<-begun
	cancel()
	select {
	case err := <-ended:
		ended <- err
		t.Error("it ended before Vault's answer")
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	assert.Equal(t, http.StatusSeeOther, <-answered)
	require.NoError(t, <-ended)
}

func get(t *testing.T, browser *http.Client, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	response, err := browser.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(text))
	return string(text)
}

func find(t *testing.T, pattern, in string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(in)
	require.NotNil(t, found, in)
	return found[1]
}
