package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"vault-plugin-secrets-sei/backend"
)

// Page is what a person sees at the end of an authorization.
type Page struct {
	html   string
	policy string
}

// content fills the template of a page, which escapes all of it. Nothing of a query is
// repeated.
type content struct {
	Done    bool
	Title   string
	Text    string
	Rows    []row
	Next    string
	Link    string // https, of the upstream
	Code    string
	Style   template.CSS
	Policy  string
	Warning []string
}

type row struct{ Name, Value string }

// Done is the page of a re-authentication that has succeeded.
func Done(change *backend.Change) Page {
	current := change.After.Current
	c := content{
		Done: true, Title: "Re-authenticated", Text: "The integration has a new credential, and uses it from now on. You can close this page.",
		Rows: []row{
			{"Integration", change.Integration.Name}, {"Account", current.Identity}, {"Version", fmt.Sprint(change.After.Version)},
		},
		Warning: change.Warnings,
	}
	var names []string
	for _, in := range change.Siblings {
		names = append(names, in.Name)
	}
	if len(names) > 0 {
		c.Rows = append(c.Rows, row{"Also updated", strings.Join(names, ", ")})
	}
	return c.page()
}

// Refused is the page of a refusal.
func Refused(e *backend.Error) Page {
	c := content{Title: "Not re-authenticated", Text: sentence(e.Message), Code: e.Code, Link: e.URL}
	switch e.Code {
	case backend.CodeOAuthStateInvalid:
		c.Text = "This page was opened with a link that is unknown, was used already, or is older than ten minutes. Nothing changed."
		c.Next = "Ask for a new link, or begin again with a write to oauth/authorize in Vault, and finish within ten minutes."
	case backend.CodeOAuthDenied:
		c.Title, c.Text = "Declined", "You declined, or your account may not consent. Nothing changed."
		c.Next = "If that was a mistake, ask for a new link, or begin again with a write to oauth/authorize in Vault."
	}
	if e.Integration != "" {
		c.Rows = []row{{"Integration", e.Integration}}
	}
	return c.page()
}

// Broken is the page of a result that could not be stored.
func Broken() Page {
	c := content{
		Title: "Not finished", Text: "Vault could not store the result. The credential in use was not damaged.",
		Next: "Begin again, and tell whoever runs Vault: the server's log has the reason.",
	}
	return c.page()
}

// Late is the page of a request that ended before it was finished.
func Late() Page {
	c := content{
		Title: "Not finished", Text: "It took too long, because something else was being done for this integration. The credential in use was not damaged.",
		Next: "Load this page again. If it then says that the link was used, read the integration's history in Vault, or begin again.",
	}
	return c.page()
}

// sentence gives a message its capital letter and full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// page renders the content. The policy forbids everything but the page's own style.
func (c content) page() Page {
	sum := sha256.Sum256([]byte(pageStyle))
	c.Style = template.CSS(pageStyle) //nolint:gosec // a constant
	c.Policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	var html bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageTemplate)).Execute(&html, c); err != nil {
		html.Reset()
		html.WriteString("<!DOCTYPE html><title>Vault</title><p>The page could not be shown.")
	}
	return Page{html: html.String(), policy: c.Policy}
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
		"Cache-Control":           {"no-store"},
	}
}

const pageStyle = `
:root { color-scheme: light dark; }
body { margin: 0; font: 1.125rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
main { max-width: 34rem; margin: 0 auto; padding: 2rem 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
dl { margin: 1.5rem 0; }
dt { font-weight: 600; }
dd { margin: 0 0 .75rem; }
.code { font-family: ui-monospace, monospace; font-size: 1rem; }
`

const pageTemplate = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} - Vault</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>{{if .Done}}<span aria-hidden="true">&#10003;</span>{{else}}<span aria-hidden="true">&#9888;</span>{{end}} {{.Title}}</h1>
<p role="{{if .Done}}status{{else}}alert{{end}}">{{.Text}}</p>
{{- if .Rows}}
<dl>
{{- range .Rows}}
<dt>{{.Name}}</dt><dd>{{.Value}}</dd>
{{- end}}
</dl>
{{- end}}
{{- range .Warning}}
<p><strong>Note:</strong> {{.}}.</p>
{{- end}}
{{- if .Next}}
<p>{{.Next}}</p>
{{- end}}
{{- if .Link}}
<p><a href="{{.Link}}" rel="noreferrer">Act at the provider</a></p>
{{- end}}
{{- if .Code}}
<p class="code">{{.Code}}</p>
{{- end}}
</main>
</body>
</html>
`
