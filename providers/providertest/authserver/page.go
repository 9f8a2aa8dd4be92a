package authserver

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"html/template"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// Request is what a client asks of the person at the browser, checked.
type Request struct {
	Client string
	// Redirect is where the browser goes, RedirectURI what the client sent of it.
	Redirect         *url.URL
	RedirectURI      string
	State, Challenge string
	// Asked are the scopes in the request, Scopes the rights that come of it.
	Asked, Scopes []string
	until         time.Time
}

const pageHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
`

// consentPage has a form whose action is relative: it works at any address. The
// request is a number that the server made up, so nobody can grant with a link.
const consentPage = pageHead + `<p>You are signed in to {{.Server}} as <strong id="account">{{.Account}}</strong>.</p>
<p><strong id="client">{{.Client}}</strong> asks for access to your account:</p>
<ul>{{range .Scopes}}
<li>{{.}}</li>{{else}}
<li>all that it is registered for</li>{{end}}
</ul>
<form method="post" action="authorize">
<input type="hidden" name="request" value="{{.Request}}">
<button name="consent" value="grant" id="grant">Grant access</button>
<button name="consent" value="deny" id="deny">Cancel</button>
</form>
</main>
</body>
</html>
`

const errorPage = pageHead + `<p role="alert">{{.Message}}</p>
</main>
</body>
</html>
`

// CheckAsk checks what all authorization servers check the same way, and returns an
// error for the client if there is one: RFC 6749, section 4.1.2.1, and RFC 7636,
// section 4.4.1. That plain is refused is a guess.
func CheckAsk(q url.Values) (code, description string) {
	method, challenge := q.Get("code_challenge_method"), q.Get("code_challenge")
	switch {
	case Repeated(q) != "":
		return "invalid_request", "The parameter " + Repeated(q) + " is repeated."
	case q.Get("response_type") == "":
		return "invalid_request", "The parameter response_type is missing."
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "The response_type must be code."
	case method == "" && challenge == "":
		return "", ""
	case method != "S256":
		return "invalid_request", "The code_challenge_method must be S256."
	}
	if sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge); err != nil || len(sum) != 32 {
		return "invalid_request", "The code_challenge must be the base64url of a SHA-256 sum."
	}
	return "", ""
}

// Repeated returns a parameter that came more than once, which RFC 6749 forbids in
// section 3.1.
func Repeated(q url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if len(q[name]) > 1 {
			return name
		}
	}
	return ""
}

// Show asks the person at the browser.
func (s *Server[A]) Show(w http.ResponseWriter, ask Request) {
	number := rand.Text()
	s.lock.Lock()
	account := s.account
	ask.until = s.now().Add(codeLife)
	s.asked[number] = ask
	s.lock.Unlock()
	if account == nil {
		// The real ones show a form to sign in with, which no test fills in.
		RefusePage(w, http.StatusUnauthorized, "Sign in to "+s.style.Name, "Nobody is signed in.")
		return
	}
	writePage(w, http.StatusOK, consentPage, map[string]any{
		"Title": "Grant access - " + s.style.Name, "Server": s.style.Name, "Account": s.style.Who(*account), "Client": ask.Client,
		"Scopes": ask.Scopes, "Request": number,
	})
}

// Decide does what the person at the browser decided, once for each page.
func (s *Server[A]) Decide(w http.ResponseWriter, r *http.Request) {
	form, _ := PostedForm(r)
	ask, ok := s.answered(form.Get("request"))
	if !ok {
		RefusePage(w, http.StatusBadRequest, "Too late - "+s.style.Name, "This page is used up or too old.")
		return
	}
	said := url.Values{}
	switch form.Get("consent") {
	case "grant":
		said.Set("code", s.grant(ask))
		if s.style.Session {
			said.Set("session_state", providertest.MadeUpID())
		}
	case "deny":
		said.Set("error", "access_denied")
		said.Set("error_description", s.style.Denial)
	default:
		RefusePage(w, http.StatusBadRequest, "Nothing decided - "+s.style.Name, "Press one of the buttons.")
		return
	}
	SendBack(w, ask.Redirect, ask.State, said)
}

// answered finds what a page asked, and forgets it.
func (s *Server[A]) answered(number string) (Request, bool) {
	s.lock.Lock()
	defer s.lock.Unlock()
	ask, ok := s.asked[number]
	delete(s.asked, number)
	return ask, ok && s.account != nil && s.now().Before(ask.until)
}

// grant opens a code for the account that is at the browser.
func (s *Server[A]) grant(ask Request) string {
	s.lock.Lock()
	defer s.lock.Unlock()
	code, now := s.mint("code", 1), s.now()
	s.codes[code] = &openCode[A]{
		Consent:     Consent[A]{client: ask.Client, Account: *s.account, Asked: ask.Asked, Scopes: ask.Scopes, Given: now},
		redirectURI: ask.RedirectURI, challenge: ask.Challenge, until: now.Add(codeLife),
	}
	return code
}

// SendBack sends the browser to the client. A query of the address stays.
func SendBack(w http.ResponseWriter, to *url.URL, state string, said url.Values) {
	if state != "" {
		said.Set("state", state)
	}
	u := *to
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += said.Encode()
	w.Header().Set("Location", u.String())
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusFound)
}

// PostedForm reads the body of a request, and nothing but a form.
func PostedForm(r *http.Request) (url.Values, bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	return form, err == nil
}

// RefusePage tells the person at the browser what cannot be told to the client.
func RefusePage(w http.ResponseWriter, status int, title, message string) {
	writePage(w, status, errorPage, map[string]any{"Title": title, "Message": message})
}

func writePage(w http.ResponseWriter, status int, page string, data map[string]any) {
	var b bytes.Buffer
	if err := template.Must(template.New("page").Parse(page)).Execute(&b, data); err != nil {
		panic("providertest: " + err.Error())
	}
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	providertest.WriteText(w, status, "text/html; charset=utf-8", b.String())
}

// WriteToken answers at a token endpoint: RFC 6749, section 5.1.
func WriteToken(w http.ResponseWriter, status int, body providertest.Object) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	providertest.WriteJSON(w, status, body)
}
