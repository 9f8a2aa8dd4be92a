package page

import (
	"bytes"
	"embed"
	"html/template"
	"time"

	"vault-plugin-secrets-sei/look"
)

//go:embed *.html
var templates embed.FS

//go:embed console.css
var style string

//go:embed wait.js
var script string

// Style is the style sheet of all pages.
func Style() string { return look.CSS() + style }

// Script is the script of all pages. They work without it.
func Script() string { return script }

//go:embed icon.svg
var icon string

// Icon is the picture in the tab of the browser.
func Icon() string { return icon }

// Frame is what is around every page.
type Frame struct {
	Title     string
	Folder    string // under which the console's pages are
	Token     string // of its forms
	Address   string // of Vault
	Namespace string
	Mount     string
	Mounts    []string // to choose from
	MayCreate bool
	Notes     []Note
	Main      any
}

// Note is something to say above the page.
type Note struct {
	Good bool
	Text string
}

// Pages renders pages. It is safe for concurrent use.
type Pages struct{ now func() time.Time }

// New returns what renders pages. now tells the time, from which others are counted.
func New(now func() time.Time) *Pages { return &Pages{now} }

// Render makes the page of a name, which is that of its template.
func (p *Pages) Render(name string, frame Frame) ([]byte, error) {
	now := p.now()
	t, err := template.New("frame.html").Funcs(template.FuncMap{
		"status": StatusTitle, "cause": causeTitle, "at": at, "day": day,
		"far": func(t time.Time) string { return far(t, now) }, "advice": advice,
	}).ParseFS(templates, "frame.html", "parts.html", name+".html")
	if err != nil {
		return nil, err
	}
	var html bytes.Buffer
	err = t.Execute(&html, frame)
	return html.Bytes(), err
}
