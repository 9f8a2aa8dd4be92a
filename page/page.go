package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"

	"vault-plugin-secrets-sei/look"
)

// Page is what a person sees in the browser.
type Page struct {
	html   string
	policy string
}

// templates make the pages. They escape whatever fills them.
var (
	//go:embed layout.html
	layout string
	//go:embed result.html
	result string
	//go:embed form.html
	form string
	//go:embed confirm.html
	confirm string
)

// head is what every page has.
type head struct {
	Title  string
	Style  template.CSS
	Policy string
	// Onward is where the browser goes by itself, "" for nowhere.
	Onward string
	Main   any
}

// page renders what is shown below the head with its template. The policy is that of all
// pages: nothing but the page's own style, and forms that lead back to the engine alone. A
// page of the engine stands on Vault's origin, where a script could reach the token of
// Vault's own UI.
func render(h head, main string) Page {
	style := look.CSS()
	sum := sha256.Sum256([]byte(style))
	h.Style = template.CSS(style) //nolint:gosec // a constant
	h.Policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'self'"
	t := template.Must(template.New("page").Parse(layout))
	template.Must(t.New("main").Parse(main))
	var html bytes.Buffer
	if err := t.Execute(&html, h); err != nil {
		html.Reset()
		html.WriteString("<!DOCTYPE html><title>Vault</title><p>The page could not be shown.")
	}
	return Page{html: html.String(), policy: h.Policy}
}

// HTML is the whole document. It needs nothing from elsewhere.
func (p Page) HTML() string { return p.html }

// Headers are those to send it with. The policy stands in the document, too: Vault passes
// only those headers on that the mount's tuning lists.
func (p Page) Headers() map[string][]string {
	return map[string][]string{
		"Content-Security-Policy": {p.policy + "; frame-ancestors 'none'"},
		"Referrer-Policy":         {"no-referrer"},
		"X-Content-Type-Options":  {"nosniff"},
		"X-Frame-Options":         {"DENY"},
		"Cache-Control":           {"no-store"},
	}
}
