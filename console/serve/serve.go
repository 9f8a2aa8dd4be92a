package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// Vault is who is asked, and where it is.
type Vault interface {
	engine.Vault
	Mounts(ctx context.Context, types ...string) ([]string, error)
	Address() string
	Namespace() string
}

// Session is where the pages are, and what their forms hold.
type Session interface {
	Folder() string
	Token() string
}

// Server answers the requests that a session let through.
type Server struct {
	vault   Vault
	session Session
	mount   string // the only one, "" for all that there are
	pages   *page.Pages
	notes   notes
	now     func() time.Time

	mu    sync.Mutex
	known []string // the mounts, as they were found last
}

// New returns what answers. mount is the path of the mount to show; with "" the mounts are
// found by their type.
func New(vault Vault, session Session, mount string, now func() time.Time) http.Handler {
	s := &Server{vault: vault, session: session, mount: mount, pages: page.New(now), now: now}
	mux := http.NewServeMux()
	for name, text := range map[string][2]string{
		"style.css": {"text/css; charset=utf-8", page.Style()}, "wait.js": {"text/javascript; charset=utf-8", page.Script()},
		"icon.svg": {"image/svg+xml", page.Icon()},
	} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", text[0])
			_, _ = io.WriteString(w, text[1])
		})
	}
	mux.HandleFunc("GET /{$}", s.begin)
	for pattern, show := range map[string]func(http.ResponseWriter, *http.Request, place){
		"GET /fleet": s.fleet, "GET /new": s.newSettings, "POST /new": s.create,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.at(w, r, false, show) })
	}
	for pattern, show := range map[string]func(http.ResponseWriter, *http.Request, place){
		"GET /integration": s.integration, "GET /edit": s.editSettings, "POST /edit": s.change,
		"POST /reauth": s.reauth, "POST /check": s.check, "POST /rotate": s.rotate, "POST /rollback": s.rollback,
		"POST /consent": s.consent, "POST /invite": s.invite,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.at(w, r, true, show) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.message(w, r, place{}, http.StatusNotFound, "Nothing is here", page.Message{Text: "The console has no such page."})
	})
	return mux
}

// place is where in Vault a request is about.
type place struct {
	engine.Mount

	name string // of an integration, "" where the page is of none
	// mayCreate is whether a new integration is offered.
	mayCreate bool
}

// at finds out what a request is about. Names are judged before a path is made of them; a page
// of one integration demands one, since without it the path is that of something else.
func (s *Server) at(w http.ResponseWriter, r *http.Request, ofOne bool, show func(http.ResponseWriter, *http.Request, place)) {
	mount, name := r.URL.Query().Get("mount"), r.URL.Query().Get("name")
	if s.mount != "" && mount != "" && engine.At(s.vault, mount).Path() != engine.At(s.vault, s.mount).Path() || !isMount(mount) {
		s.message(w, r, place{}, http.StatusNotFound, "No such mount", page.Message{Text: "This console shows another mount."})
		return
	}
	switch {
	case name != "" && !engine.IsName(name):
		s.message(w, r, place{}, http.StatusNotFound, "No such integration", page.Message{Text: "A name has letters, digits, _, - and ., and begins and ends with a letter or digit."})
		return
	case name == "" && ofOne:
		s.message(w, r, place{}, http.StatusNotFound, "No such integration", page.Message{Text: "The address names no integration."})
		return
	}
	p := place{Mount: engine.At(s.vault, mount), name: name}
	has, err := s.hasMount(r.Context(), p.Path())
	if err != nil {
		s.failed(w, r, place{}, err)
		return
	}
	if !has {
		s.message(w, r, place{}, http.StatusNotFound, "No such mount", page.Message{Text: "Vault shows your token no mount of the engine at this path."})
		return
	}
	show(w, r, p)
}

// hasMount reports whether a path is that of a mount of the engine, and not one inside of a
// mount. Vault is asked again only about one that was not there before.
func (s *Server) hasMount(ctx context.Context, path string) (bool, error) {
	s.mu.Lock()
	has := slices.Contains(s.known, path)
	s.mu.Unlock()
	if has {
		return true, nil
	}
	mounts, err := s.mounts(ctx)
	return slices.Contains(mounts, path), err
}

// begin leads to the only mount, or lets one be chosen.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	mounts, err := s.mounts(r.Context())
	switch {
	case err != nil:
		s.failed(w, r, place{}, err)
	case len(mounts) == 1:
		s.lead(w, r, "fleet", engine.At(s.vault, mounts[0]), "")
	case len(mounts) == 0:
		s.message(w, r, place{}, http.StatusOK, "No mount found", page.Message{
			Text: "Vault shows your token no mount of the type " + engine.Types()[0] + ".",
			Next: "If the engine is registered under another name, say where it is: sei-console -mount PATH.",
		})
	default:
		s.message(w, r, place{}, http.StatusOK, "Which mount?", page.Message{Text: "These mounts have the engine.", Mounts: mounts})
	}
}

// mounts are the ones to choose from.
func (s *Server) mounts(ctx context.Context) ([]string, error) {
	if s.mount != "" {
		return []string{engine.At(s.vault, s.mount).Path()}, nil
	}
	mounts, err := s.vault.Mounts(ctx, engine.Types()...)
	if err == nil {
		s.mu.Lock()
		s.known = mounts
		s.mu.Unlock()
	}
	return mounts, err
}

// isMount reports whether a text can be the path of a mount of a secrets engine, so that
// nothing else of Vault is asked through it.
func isMount(path string) bool {
	path = engine.At(nil, path).Path()
	reserved := []string{"sys/", "auth/", "identity/", "cubbyhole/"}
	if path == "/" || slices.ContainsFunc(reserved, func(r string) bool { return len(path) >= len(r) && path[:len(r)] == r }) {
		return false
	}
	for _, c := range path {
		if c <= ' ' || c > '~' || c == '?' || c == '#' || c == '%' || c == '\\' || c == '*' || c == '+' {
			return false
		}
	}
	return !slices.Contains(segments(path), "..") && !slices.Contains(segments(path), ".")
}

// failed is the page of a request that Vault did not answer as it should.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, p place, err error) {
	var refused *vaultapi.Refusal
	switch {
	case r.Context().Err() != nil:
		// Mostly nobody waits for the page any more; if somebody does, an empty one would look as if
		// it had been done.
		s.message(w, r, p, http.StatusServiceUnavailable, "Not finished", page.Message{
			Text: "The request ended before Vault answered: whether anything was done is not known.", Next: "Open the integration again and look at its version before you repeat it.",
		})
	case errors.As(err, &refused) && (refused.Ended() || refused.Denied() && p.Mount == (engine.Mount{})):
		s.message(w, r, place{}, http.StatusForbidden, "Signed out", page.Message{
			Text: "Vault does not accept your token any more: it has ended, or was revoked.",
			Next: "Sign in again with vault login and load this page. If the token came from VAULT_TOKEN, end sei-console and start it with a new one.",
		})
	case errors.As(err, &refused) && refused.Denied():
		s.message(w, r, p, http.StatusForbidden, "Not allowed", page.Message{Text: "Your token's policies do not allow this.", Code: deniedWhy(refused), Next: "Whoever runs Vault can change that; examples/policies has policies to begin with."})
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		s.message(w, r, p, http.StatusNotFound, "Not there", page.Message{Text: sentence(refused.Sentence, "Vault has nothing here: the integration does not exist, or the mount has another engine."), Code: refused.Code})
	case errors.As(err, &refused):
		s.message(w, r, p, http.StatusBadGateway, "Not done", page.Message{Text: sentence(refused.Sentence, "Vault refused."), Code: refused.Code})
	default:
		s.message(w, r, p, http.StatusBadGateway, "No answer", page.Message{Text: sentence(err.Error(), ""), Next: "Load this page again once Vault can be reached."})
	}
}

// deniedWhy is what Vault says beside that it refuses, "" for nothing.
func deniedWhy(r *vaultapi.Refusal) string {
	if strings.Contains(r.Sentence, "permission denied") {
		return ""
	}
	return r.Sentence
}

func (s *Server) message(w http.ResponseWriter, r *http.Request, p place, status int, title string, m page.Message) {
	s.show(w, r, p, status, "message", page.Frame{Title: title, Main: m})
}

// show answers with a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, p place, status int, name string, frame page.Frame) {
	frame.Folder, frame.Token = s.session.Folder(), s.session.Token()
	frame.Address, frame.Namespace = s.vault.Address(), s.vault.Namespace()
	if p.Mount != (engine.Mount{}) {
		frame.Mount, frame.MayCreate = p.Path(), p.mayCreate
	}
	frame.Notes = append(s.notes.take(r.URL.Query().Get("note")), frame.Notes...)
	html, err := s.pages.Render(name, frame)
	if err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html)
}
