package serve

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"vault-plugin-secrets-sei/console/engine"
	"vault-plugin-secrets-sei/console/page"
)

// notes are what was done, for the page that a form leads to. The zero value has none.
type notes struct {
	mu   sync.Mutex
	kept map[string][]page.Note
}

// notesKept bounds how many wait for their pages; more are forgotten.
const notesKept = 100

// keep returns the word under which take finds the notes, once.
func (n *notes) keep(list []page.Note) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept == nil || len(n.kept) >= notesKept {
		n.kept = map[string][]page.Note{}
	}
	word := rand.Text()
	n.kept[word] = list
	return word
}

func (n *notes) take(word string) []page.Note {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.kept[word]
	delete(n.kept, word)
	return list
}

// lead has the browser go to a page, which says the notes, so that a form is not sent again
// when that page is loaded again.
func (s *Server) lead(w http.ResponseWriter, r *http.Request, to string, mount engine.Mount, name string, said ...page.Note) {
	query := url.Values{"mount": {mount.Path()}}
	if name != "" {
		query.Set("name", name)
	}
	if len(said) > 0 {
		query.Set("note", s.notes.keep(said))
	}
	http.Redirect(w, r, s.session.Folder()+to+"?"+query.Encode(), http.StatusSeeOther)
}

// done is the notes of something that was done, with the warnings of the answer.
func done(text string, warnings []string) []page.Note {
	return append([]page.Note{{Good: true, Text: text}}, warned(warnings)...)
}

func warned(warnings []string) []page.Note {
	list := make([]page.Note, 0, len(warnings))
	for _, warning := range warnings {
		list = append(list, page.Note{Text: sentence(warning, "")})
	}
	return list
}

// sentence gives a message its capital letter and full stop.
func sentence(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

func segments(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }
