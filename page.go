package sei

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
)

// page is what a person sees at the end of an authorization. Everything in it is
// escaped; nothing of a query is repeated.
type page struct {
	Done    bool
	Title   string
	Text    string
	Rows    []pageRow
	Next    string
	Link    string // https, of the upstream
	Code    string
	Style   template.CSS
	Policy  string
	Warning []string
}

type pageRow struct{ Name, Value string }

func donePage(change *backend.Change) *logical.Response {
	current := change.After.Current
	p := page{
		Done: true, Title: "Re-authenticated", Text: "The integration has a new credential, and uses it from now on. You can close this page.",
		Rows: []pageRow{
			{"Integration", change.Integration.Name}, {"Account", current.Identity}, {"Version", fmt.Sprint(change.After.Version)},
		},
		Warning: change.Warnings,
	}
	if names := integrationNames(change.Siblings); len(names) > 0 {
		p.Rows = append(p.Rows, pageRow{"Also updated", strings.Join(names, ", ")})
	}
	return p.response(statusOK)
}

func refusedPage(e *backend.Error) *logical.Response {
	p := page{Title: "Not re-authenticated", Text: sentence(e.Message), Code: e.Code, Link: e.URL}
	switch e.Code {
	case backend.CodeOAuthStateInvalid:
		p.Text = "This page was opened with a link that is unknown, was used already, or is older than ten minutes. Nothing changed."
		p.Next = "Ask for a new link, or begin again with a write to oauth/authorize in Vault, and finish within ten minutes."
	case backend.CodeOAuthDenied:
		p.Title, p.Text = "Declined", "You declined, or your account may not consent. Nothing changed."
		p.Next = "If that was a mistake, ask for a new link, or begin again with a write to oauth/authorize in Vault."
	}
	if e.Integration != "" {
		p.Rows = []pageRow{{"Integration", e.Integration}}
	}
	status := statusOf(e)
	if status == statusNone {
		status = statusRefused // the page itself is there
	}
	return p.response(status)
}

func brokenPage() *logical.Response {
	p := page{
		Title: "Not finished", Text: "Vault could not store the result. The credential in use was not damaged.",
		Next: "Begin again, and tell whoever runs Vault: the server's log has the reason.",
	}
	return p.response(statusBroken)
}

func latePage() *logical.Response {
	p := page{
		Title: "Not finished", Text: "It took too long, because something else was being done for this integration. The credential in use was not damaged.",
		Next: "Load this page again. If it then says that the link was used, read the integration's history in Vault, or begin again.",
	}
	return p.response(statusBroken)
}

// sentence gives a message its capital letter and full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// response renders the page. The policy forbids everything but the page's own style,
// and stands in the page, too: Vault passes only those headers on that the mount's
// tuning lists.
func (p page) response(status int) *logical.Response {
	sum := sha256.Sum256([]byte(pageStyle))
	p.Style = template.CSS(pageStyle) //nolint:gosec // a constant
	p.Policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
	var html bytes.Buffer
	if err := template.Must(template.New("page").Parse(pageTemplate)).Execute(&html, p); err != nil {
		html.Reset()
		html.WriteString("<!DOCTYPE html><title>Vault</title><p>The page could not be shown.")
	}
	return &logical.Response{
		Data: map[string]any{
			logical.HTTPContentType: "text/html; charset=utf-8", logical.HTTPRawBody: html.String(), logical.HTTPStatusCode: status,
		},
		Headers: map[string][]string{
			"Content-Security-Policy": {p.Policy + "; frame-ancestors 'none'"},
			"Referrer-Policy":         {"no-referrer"},
			"X-Content-Type-Options":  {"nosniff"},
			"Cache-Control":           {"no-store"},
		},
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
