package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// site has the fake's page of consent, and a page where the browser comes back to.
func site(t *testing.T, came func(w http.ResponseWriter, query url.Values)) (authorizeURL string) {
	t.Helper()
	fake, mux := bitbuckettest.NewBitbucket(), http.NewServeMux()
	mux.Handle("/site/oauth2/", fake)
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) { came(w, r.URL.Query()) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	fake.AddClient(authserver.OAuthClient{ID: "consumer", Secret: "secret", RedirectURI: server.URL + "/callback", Scopes: []string{"account"}})
	fake.SignIn(bitbuckettest.BitbucketToken{Email: "ada@example.com"})
	return server.URL + "/site/oauth2/authorize?client_id=consumer&response_type=code&state=the-state"
}

func TestConsent(t *testing.T) {
	var out strings.Builder
	err := run([]string{site(t, func(w http.ResponseWriter, query url.Values) {
		assert.Equal(t, "the-state", query.Get("state"))
		assert.NotEmpty(t, query.Get("code"))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!DOCTYPE html><html><head><meta charset="utf-8"><title>hidden</title><style>p { color: red }</style></head>
<body><h1><span>&#10003;</span> Done &amp; well</h1><p>First
 line.</p><dl><dt>Account</dt><dd>ada</dd></dl></body></html>`)
	})}, &out)
	require.NoError(t, err)
	assert.Equal(t, "HTTP 200\n✓ Done & well\nFirst line.\nAccount: ada\n", out.String())
}

// The page that asks is shown, and its first button pressed.
func TestThePageThatAsksIsConfirmed(t *testing.T) {
	var out strings.Builder
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ask", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<h1>Connect?</h1><form method="post" action="confirm"><input type="hidden" name="state" value="s"><button>Connect to bb</button></form>
<form method="post" action="decline"><button>Do not connect</button></form>`)
	})
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "s", r.FormValue("state"))
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>Done</h1>")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	require.NoError(t, run([]string{server.URL + "/ask"}, &out))
	assert.Equal(t, "HTTP 200\nConnect?\nConnect to bb\nDo not connect\nHTTP 200\nDone\n", out.String())
}

func TestWhatIsNoSuccessFails(t *testing.T) {
	for name, came := range map[string]func(http.ResponseWriter, url.Values){
		"success": func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<p>Refused.</p>")
		},
		"HTTP 200": func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{}")
		},
		"machine": func(w http.ResponseWriter, query url.Values) {
			w.Header().Set("Location", "http://192.0.2.1/?code="+query.Get("code"))
			w.WriteHeader(http.StatusFound)
		},
		"page to page": func(w http.ResponseWriter, query url.Values) {
			w.Header().Set("Location", "/callback?"+query.Encode())
			w.WriteHeader(http.StatusFound)
		},
	} {
		err := run([]string{site(t, came)}, io.Discard)
		require.ErrorContains(t, err, name)
		assert.NotContains(t, err.Error(), "the-state")
	}
}

func TestOnlyThisMachineIsVisited(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1/", "https://bitbucket.org/site/oauth2/authorize", "http://vault.example.com/", "ftp://127.0.0.1/", "", ":"} {
		assert.Error(t, run([]string{address}, io.Discard), address)
	}
	assert.ErrorContains(t, run(nil, io.Discard), "usage")
	assert.NoError(t, local(&url.URL{Scheme: "http", Host: "[::1]:80"}))
}
