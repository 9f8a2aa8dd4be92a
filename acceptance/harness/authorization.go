package harness

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
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

// Finish opens the page at which the browser comes back, and confirms if it asks.
func (b Returned) Finish(status int) {
	b.t.Helper()
	got, page := b.Open()
	if form := FormOf(page); form != nil {
		got, page = b.Confirm(form)
	}
	assert.Equal(b.t, status, got, "%s", page)
}

// Open opens that page.
func (b Returned) Open() (status int, page string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL.String(), http.NoBody)
	require.NoError(b.t, err)
	return b.send(request)
}

// Confirm sends the form of that page.
func (b Returned) Confirm(form url.Values) (status int, page string) {
	b.t.Helper()
	request, err := ConfirmRequest(b.t.Context(), b.URL, form)
	require.NoError(b.t, err)
	return b.send(request)
}

func (b Returned) send(request *http.Request) (status int, page string) {
	b.t.Helper()
	answer, err := http.DefaultClient.Do(request)
	require.NoError(b.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(b.t, err)
	return answer.StatusCode, string(text)
}

// ConfirmRequest is the request of a form of the page at that address, which leads to the
// same address without the query.
func ConfirmRequest(ctx context.Context, page *url.URL, form url.Values) (*http.Request, error) {
	action := *page
	action.RawQuery = ""
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(form.Encode()))
	if err == nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return request, err
}

// FormOf is what the first button of a page sends, nil where there is none.
func FormOf(page string) url.Values {
	_, form, found := strings.Cut(page, "<form")
	if !found {
		return nil
	}
	form, _, _ = strings.Cut(form, "</form>")
	sent := url.Values{}
	for _, input := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`).FindAllStringSubmatch(form, -1) {
		sent.Set(input[1], html.UnescapeString(input[2]))
	}
	return sent
}
