package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
	"vault-plugin-secrets-sei/console/vaultapi"
)

// reauth sends the credential that was entered. Of the form only those fields are sent that
// the engine describes.
func (s *Server) reauth(w http.ResponseWriter, r *http.Request, p place) {
	form, err := p.Form(r.Context(), p.name)
	if err != nil {
		s.failed(w, r, p, err)
		return
	}
	credential, entered := entry(form.Fields, r.PostForm)
	change, warnings, err := p.Reauth(r.Context(), p.name, credential)
	if err != nil {
		s.refused(w, r, p, "reauth", err, entered)
		return
	}
	s.lead(w, r, "integration", p.Mount, p.name, done(changed("Re-authenticated", change), warnings)...)
}

func (s *Server) rotate(w http.ResponseWriter, r *http.Request, p place) {
	s.swap(w, r, p, "rotate", "Rotated", p.Rotate)
}

func (s *Server) rollback(w http.ResponseWriter, r *http.Request, p place) {
	s.swap(w, r, p, "rollback", "Rolled back", p.Rollback)
}

func (s *Server) swap(w http.ResponseWriter, r *http.Request, p place, what, past string, do func(context.Context, string) (engine.Change, []string, error)) {
	change, warnings, err := do(r.Context(), p.name)
	if err != nil {
		s.refused(w, r, p, what, err, nil)
		return
	}
	s.lead(w, r, "integration", p.Mount, p.name, done(changed(past, change), warnings)...)
}

// changed says what came of a new credential.
func changed(past string, c engine.Change) string {
	text := fmt.Sprintf("%s: version %d is in use", past, c.Version)
	if c.Identity != "" {
		text += ", of " + c.Identity
	}
	if c.IdentityChanged {
		text += ", which is another account than before"
	}
	if len(c.AlsoUpdated) > 0 {
		text += ", also for " + strings.Join(c.AlsoUpdated, ", ")
	}
	return text + "."
}

// check has the upstream asked now.
func (s *Server) check(w http.ResponseWriter, r *http.Request, p place) {
	health, warnings, err := p.Check(r.Context(), p.name)
	if err != nil {
		s.refused(w, r, p, "check", err, nil)
		return
	}
	note := page.Note{Good: health.Status == "healthy" || health.Status == "expiring", Text: "Checked: " + page.StatusTitle(health.Status) + "."}
	s.lead(w, r, "integration", p.Mount, p.name, append([]page.Note{note}, warned(warnings)...)...)
}

// consent begins a consent at the vendor. A redirect would not do, since the page's own
// policy keeps forms from leading elsewhere.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, p place) {
	begun, err := p.Authorize(r.Context(), p.name)
	if err != nil {
		s.refused(w, r, p, "consent", err, nil)
		return
	}
	to, err := url.Parse(begun.URL)
	if err != nil || to.Scheme != "https" && to.Scheme != "http" {
		s.failed(w, r, p, errors.New("the engine answered with no address to consent at"))
		return
	}
	s.show(w, r, p, http.StatusOK, "consent", page.Frame{Title: "Consent for " + p.name, Main: page.Consent{Name: p.name, Authorization: begun, Host: to.Host}})
}

// invite makes an invitation, and shows its link this once.
func (s *Server) invite(w http.ResponseWriter, r *http.Request, p place) {
	wish := map[string]any{}
	for _, name := range []string{"identity", "ttl", "note"} {
		if value := strings.TrimSpace(r.PostForm.Get(name)); value != "" {
			wish[name] = value
		}
	}
	if r.PostForm.Get("any_identity") == "true" {
		wish["any_identity"] = true
	}
	invitation, warnings, err := p.Invite(r.Context(), p.name, wish)
	if err != nil {
		s.refused(w, r, p, "invite", err, nil)
		return
	}
	s.integrationWith(w, r, p, http.StatusOK, nil, nil, &page.Invited{Invitation: invitation, Warnings: warnings})
}

// refused is the page of the integration with why something was not done. What is wrong with
// the token or with the way to Vault is a page of its own.
func (s *Server) refused(w http.ResponseWriter, r *http.Request, p place, what string, err error, entered map[string]string) {
	refusal := refusalOf(what, err)
	if refusal == nil {
		s.failed(w, r, p, err)
		return
	}
	s.integrationWith(w, r, p, http.StatusUnprocessableEntity, refusal, entered, nil)
}

// refusalOf is a refusal of the engine for the page; nil for any other error.
func refusalOf(what string, err error) *page.Refusal {
	var refused *vaultapi.Refusal
	if !errors.As(err, &refused) || refused.Denied() {
		return nil
	}
	if refused.Absent() {
		return &page.Refusal{What: what, Text: "The engine that is mounted here cannot do that: it is an older one."}
	}
	r := &page.Refusal{What: what, Text: sentence(refused.Sentence, "Vault refused."), Code: refused.Code, Fields: refused.Fields}
	if refused.RetryAfter > 0 {
		r.Text += fmt.Sprintf(" Try again in %d seconds.", refused.RetryAfter)
	}
	if to, err := url.Parse(refused.URL); err == nil && to.Scheme == "https" {
		r.URL = refused.URL
	}
	return r
}
