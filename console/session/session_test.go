package session_test

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/console/session"
)

// guarded is a running server behind a session.
type guarded struct {
	*session.Session

	server *httptest.Server
	start  string
	again  int
	let    []string // through to the pages
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{server: httptest.NewUnstartedServer(nil)}
	g.Session = session.New(g.server.Listener.Addr(), func() { g.again++ })
	g.server.Config.Handler = g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.let = append(g.let, r.Method+" "+r.URL.Path)
		_, _ = io.WriteString(w, "the page")
	}))
	g.server.Start()
	t.Cleanup(g.server.Close)
	g.start = g.StartURL()
	return g
}

// browser is a client with cookies, as a browser has them.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar}
}

// answer is what came back.
type answer struct {
	StatusCode int
	Header     http.Header
}

// send returns the answer and its body.
func send(t *testing.T, client *http.Client, method, address, body string, change func(*http.Request)) (answer, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", "http://"+request.URL.Host)
	}
	if change != nil {
		change(request)
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header}, string(text)
}

func (g *guarded) page(path string) string { return g.server.URL + g.Folder() + path }

// signedIn is a browser that has opened the start link.
func (g *guarded) signedIn(t *testing.T) *http.Client {
	t.Helper()
	client := browser(t)
	response, _ := send(t, client, http.MethodGet, g.start, "", nil)
	require.Equal(t, 200, response.StatusCode)
	return client
}

func TestTheStartLinkWorksOnce(t *testing.T) {
	g := newGuarded(t)
	first := browser(t)
	response, text := send(t, first, http.MethodHead, g.start, "", nil)
	assert.Equal(t, 405, response.StatusCode, "what only looks uses nothing up: %s", text)
	response, text = send(t, first, http.MethodGet, g.start, "", nil)
	require.Equal(t, 200, response.StatusCode)
	assert.Contains(t, text, g.Folder())
	cookie := response.Header.Get("Set-Cookie")
	_, port, _ := net.SplitHostPort(g.server.Listener.Addr().String())
	assert.Regexp(t, `^sei-console-`+port+`=[\w-]{43}; Path=/[\w-]{43}/; HttpOnly; SameSite=Strict$`, cookie)
	_, text = send(t, first, http.MethodGet, g.page("fleet"), "", nil)
	assert.Equal(t, "the page", text)

	second := browser(t)
	response, text = send(t, second, http.MethodGet, g.start, "", nil)
	assert.Equal(t, 403, response.StatusCode)
	assert.Contains(t, text, "used already")
	assert.Empty(t, response.Header.Get("Set-Cookie"))
	assert.Equal(t, 1, g.again, "somebody is told")
	response, _ = send(t, second, http.MethodGet, g.page("fleet"), "", nil)
	assert.Equal(t, 403, response.StatusCode)
	_, text = send(t, first, http.MethodGet, g.page("fleet"), "", nil)
	assert.Equal(t, "the page", text, "the first one stays in")
}

// Another user of the machine can connect, and knows the port.
func TestWhoHasNoStartLinkGetsNothing(t *testing.T) {
	g := newGuarded(t)
	g.signedIn(t)
	stranger := browser(t)
	for _, address := range []string{g.server.URL + "/", g.server.URL + "/fleet", g.page(""), g.page("style.css"), g.server.URL + "/start/", g.server.URL + "/start/" + strings.Repeat("A", 43)} {
		response, text := send(t, stranger, http.MethodGet, address, "", nil)
		assert.Equal(t, 403, response.StatusCode, address)
		assert.NotContains(t, text, g.Token())
		assert.Empty(t, response.Header.Get("Set-Cookie"))
	}
	response, _ := send(t, stranger, http.MethodPost, g.page("reauth"), url.Values{session.TokenField: {g.Token()}}.Encode(), nil)
	assert.Equal(t, 403, response.StatusCode)
	response, _ = send(t, stranger, http.MethodGet, g.page(""), "", func(r *http.Request) { r.Header.Set("Cookie", strings.Repeat("sei-console=guess; ", 3)) })
	assert.Equal(t, 403, response.StatusCode)
	assert.Empty(t, g.let)
}

// A name of the attacker's that leads to loopback is not the console's.
func TestDNSRebinding(t *testing.T) {
	g := newGuarded(t)
	client := g.signedIn(t)
	_, port, _ := net.SplitHostPort(g.server.Listener.Addr().String())
	for _, host := range []string{"evil.example", "evil.example:" + port, "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:" + port, "[::1]:" + port, "127.0.0.2:" + port, "localhost.:" + port, ""} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			response, text := send(t, client, method, g.page("fleet"), url.Values{session.TokenField: {g.Token()}}.Encode(), func(r *http.Request) {
				r.Host = host
				if host == "" {
					r.Host = "x"
				}
				r.Header.Set("Origin", "http://"+host)
			})
			assert.Equal(t, 421, response.StatusCode, "%s %q", method, host)
			assert.NotContains(t, text, "the page")
		}
	}
	fresh := newGuarded(t)
	response, _ := send(t, browser(t), http.MethodGet, fresh.start, "", func(r *http.Request) { r.Host = "evil.example" })
	assert.Equal(t, 421, response.StatusCode)
	response, _ = send(t, browser(t), http.MethodGet, fresh.start, "", nil)
	assert.Equal(t, 200, response.StatusCode, "the link was not used up")
	assert.Empty(t, g.let)
}

func TestForgedPosts(t *testing.T) {
	g := newGuarded(t)
	client := g.signedIn(t)
	good := url.Values{session.TokenField: {g.Token()}}.Encode()
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
	}{
		"another origin":           {good, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }},
		"another port":             {good, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }},
		"another scheme":           {good, func(r *http.Request) { r.Header.Set("Origin", "https://"+r.URL.Host) }},
		"a sandbox":                {good, func(r *http.Request) { r.Header.Set("Origin", "null") }},
		"no origin":                {good, func(r *http.Request) { r.Header.Del("Origin") }},
		"another site":             {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"another port of the host": {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		"typed":                    {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }},
		"no token":                 {"f.api_key=x", nil},
		"another token":            {url.Values{session.TokenField: {strings.Repeat("A", 43)}}.Encode(), nil},
		"the token in the query":   {"", func(r *http.Request) { r.URL.RawQuery = good }},
		"a text":                   {good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		"too large":                {good + "&x=" + strings.Repeat("x", 5<<20), nil},
	} {
		response, _ := send(t, client, http.MethodPost, g.page("reauth"), c.body, c.change)
		assert.GreaterOrEqual(t, response.StatusCode, 400, name)
	}
	response, _ := send(t, client, http.MethodPut, g.page("reauth"), good, nil)
	assert.Equal(t, 405, response.StatusCode)
	assert.Empty(t, g.let)
	_, text := send(t, client, http.MethodPost, g.page("reauth"), good, nil)
	assert.Equal(t, "the page", text)
	_, text = send(t, client, http.MethodPost, g.page("reauth"), good, func(r *http.Request) { r.Header.Del("Origin"); r.Header.Set("Sec-Fetch-Site", "same-origin") })
	assert.Equal(t, "the page", text)
	assert.Equal(t, []string{"POST /reauth", "POST /reauth"}, g.let)
}

// Pages cannot be framed, kept, or read from elsewhere, whoever asks.
func TestFramingAndTheRest(t *testing.T) {
	g := newGuarded(t)
	client := g.signedIn(t)
	for _, who := range []*http.Client{client, browser(t)} {
		response, _ := send(t, who, http.MethodGet, g.page("fleet"), "", nil)
		policy := response.Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "frame-ancestors 'none'")
		assert.Contains(t, policy, "default-src 'none'")
		assert.NotContains(t, policy, "unsafe")
		assert.Equal(t, "DENY", response.Header.Get("X-Frame-Options"))
		assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
		assert.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "same-origin", response.Header.Get("Cross-Origin-Resource-Policy"))
	}
	for _, site := range []string{"cross-site", "same-site"} {
		response, _ := send(t, client, http.MethodGet, g.page("fleet"), "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
		assert.Equal(t, 403, response.StatusCode, site)
	}
	for _, site := range []string{"same-origin", "none"} {
		response, _ := send(t, client, http.MethodGet, g.page("fleet"), "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", site) })
		assert.Equal(t, 200, response.StatusCode, site)
	}
}

// Cookies of a host go to all its ports, so that a server of somebody else on this machine
// could get them: but not this one, whose folder nobody knows.
func TestAnotherPortDoesNotGetTheCookie(t *testing.T) {
	g := newGuarded(t)
	client := g.signedIn(t)
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Cookie")) }))
	defer other.Close()
	for _, path := range []string{"/", "/fleet", "/start/"} {
		send(t, client, http.MethodGet, other.URL+path, "", nil)
	}
	assert.Equal(t, []string{"", "", ""}, got)
}

// Nothing that a request says comes back.
func TestRefusalsRepeatNothing(t *testing.T) {
	g := newGuarded(t)
	_, text := send(t, browser(t), http.MethodGet, g.server.URL+"/canary?canary=canary", "", func(r *http.Request) { r.Header.Set("Cookie", "canary=canary") })
	assert.NotContains(t, text, "canary")
}

// slow is an answer whose connection notes its deadlines.
type slow struct {
	*httptest.ResponseRecorder

	deadlines []time.Time
}

func (s *slow) SetReadDeadline(at time.Time) error {
	s.deadlines = append(s.deadlines, at)
	return nil
}

// A form has to arrive in time; what is done with it may take longer.
func TestTheDeadlineIsTheFormsAlone(t *testing.T) {
	g := &guarded{Session: session.New(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, func() {})}
	w := &slow{ResponseRecorder: httptest.NewRecorder()}
	asked, reading := false, []time.Time(nil)
	handler := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked, reading = true, w.deadlines }))
	start := httptest.NewRecorder()
	handler.ServeHTTP(start, httptest.NewRequestWithContext(t.Context(), http.MethodGet, g.StartURL(), http.NoBody))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:1"+g.Folder()+"rotate", strings.NewReader(url.Values{session.TokenField: {g.Token()}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://127.0.0.1:1")
	r.AddCookie(start.Result().Cookies()[0])
	handler.ServeHTTP(w, r)
	require.True(t, asked, w.Body.String())
	require.Len(t, reading, 2)
	assert.WithinDuration(t, time.Now().Add(time.Minute), reading[0], 30*time.Second)
	assert.True(t, reading[1].IsZero(), "none while the pages answer")
}
