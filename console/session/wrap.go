package session

import (
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// policy is for all answers: nothing but the program's own style, script and forms.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Wrap lets through to next what the person's own browser sends from the program's own pages,
// without the folder, and answers the rest itself. Nothing of a request is repeated.
func (s *Session) Wrap(next http.Handler) http.Handler {
	inside := http.StripPrefix(strings.TrimSuffix(s.folder, "/"), next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		if r.Body != http.NoBody { // of whomever: what is refused is read to its end, too
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formPatience))
		}
		switch {
		case !s.knows(r.Host):
			refuse(w, http.StatusMisdirectedRequest, "This is not the address of the console.")
		case strings.HasPrefix(r.URL.Path, startPath):
			s.start(w, r)
		case !strings.HasPrefix(r.URL.Path, s.folder) || !s.signedIn(r):
			refuse(w, http.StatusForbidden, "This console is somebody's own. Open it with the link that sei-console printed or opened; if that was used, start sei-console again.")
		case foreign(r):
			refuse(w, http.StatusForbidden, "This request came from another site, and was not followed.")
		case r.Method == http.MethodPost:
			s.post(inside, w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			inside.ServeHTTP(w, r)
		default:
			refuse(w, http.StatusMethodNotAllowed, "The console has nothing to do that way.")
		}
	})
}

// protect sets the headers of every answer.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer, with which browsers do not say either where a form comes from.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// foreign reports whether the browser says that another site is behind the request.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "" {
		return false
	}
	if r.Method == http.MethodGet && site == "none" { // typed, or a bookmark
		return false
	}
	return site != "same-origin"
}

// post demands of a form that it comes from a page of the program: by what the browser says
// of its origin, and by the token that only those pages have.
func (s *Session) post(next http.Handler, w http.ResponseWriter, r *http.Request) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	switch {
	case r.Header.Get("Origin") != "http://"+r.Host && (r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "same-origin"):
		refuse(w, http.StatusForbidden, "This request came from another site, and was not followed.")
	case kind != "application/x-www-form-urlencoded":
		refuse(w, http.StatusUnsupportedMediaType, "The console takes only its own forms.")
	case r.ParseForm() != nil:
		refuse(w, http.StatusBadRequest, "The form could not be read, or is too large.")
	case !same(r.PostForm.Get(TokenField), s.token):
		refuse(w, http.StatusForbidden, "The form is not one of this console. Load the page again.")
	default:
		// The deadline is the form's alone: once it passes, the server takes the browser for gone
		// and ends the request, which may well wait longer for Vault.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		next.ServeHTTP(w, r)
	}
}

// start exchanges the code of the start link for the cookie. A redirect would not do: the
// browser sends a strict cookie only where the program's own page leads to the next one.
func (s *Session) start(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuse(w, http.StatusMethodNotAllowed, "The link is for a browser.")
		return
	}
	if !s.use(strings.TrimPrefix(r.URL.Path, startPath)) {
		s.again()
		refuse(w, http.StatusForbidden, "This link was used already, or is none. If it was not you who used it, end sei-console at once; then start it again.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: s.secret, Path: s.folder, HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // there is no TLS on loopback
	head := fmt.Sprintf(`<meta http-equiv="refresh" content="0;url=%s">`, html.EscapeString(s.folder))
	document(w, http.StatusOK, head, fmt.Sprintf(`<p><a href="%s">Open the console</a></p>`, html.EscapeString(s.folder)))
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	document(w, status, "", "<h1>Not here</h1><p>"+html.EscapeString(sentence)+"</p>")
}

func document(w http.ResponseWriter, status int, head, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">`+head+`<title>sei-console</title></head><body><main>`+body+`</main></body></html>`)
}
