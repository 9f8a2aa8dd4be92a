package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// page is where the browser is.
type page struct {
	address *url.URL
	status  int
	source  string
}

// form is what a button sends.
type form struct {
	action string
	fields url.Values
}

// tokens calls f with each tag and text of the page.
func (p *page) tokens(f func(xml.Token)) {
	d := xml.NewDecoder(strings.NewReader(p.source)) //nolint:gosec // tokens only, of a page that was bounded
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		f(token)
	}
}

// show prints what a person sees of the page.
func (p *page) show(out io.Writer) error {
	_, err := fmt.Fprintf(out, "HTTP %d\n%s\n", p.status, p.text())
	return err
}

// form returns the form that is sent by the button whose text begins so; nil if the page
// has none.
func (p *page) form(button string) *form {
	var open, found *form
	var name, value string
	p.tokens(func(token xml.Token) {
		switch t := token.(type) {
		case xml.StartElement:
			has := attributes(t)
			switch t.Name.Local {
			case "form":
				open = &form{action: has["action"], fields: url.Values{}}
			case "input":
				if open != nil {
					open.fields.Add(has["name"], has["value"])
				}
			case "button":
				name, value = has["name"], has["value"]
			}
		case xml.CharData:
			if open != nil && found == nil && strings.HasPrefix(strings.TrimLeft(string(t), " \n"), button) {
				found = open
				found.fields.Add(name, value)
			}
		}
	})
	return found
}

func attributes(e xml.StartElement) map[string]string {
	has := map[string]string{}
	for _, a := range e.Attr {
		has[a.Name.Local] = a.Value
	}
	return has
}

// text is what a person sees of the page, a line for each block.
func (p *page) text() string {
	var text strings.Builder
	inHead := false
	p.tokens(func(token xml.Token) {
		switch t := token.(type) {
		case xml.StartElement:
			inHead = inHead || t.Name.Local == "head"
		case xml.EndElement:
			inHead = inHead && t.Name.Local != "head"
			text.WriteString(after(t.Name.Local))
		case xml.CharData:
			if !inHead {
				text.WriteString(" " + strings.Join(strings.Fields(string(t)), " "))
			}
		}
	})
	return tidy(text.String())
}

// after is what separates an element from what follows.
func after(element string) string {
	switch element {
	case "dt":
		return ":"
	case "h1", "h2", "p", "dd", "li", "button":
		return "\n"
	default:
		return ""
	}
}

// tidy removes what is too much of white space.
func tidy(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}
