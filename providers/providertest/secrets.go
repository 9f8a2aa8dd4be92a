package providertest

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Secret is something that a fake was told, made, or was shown in a request, and that
// nobody else may learn. It is for tests that look for it where it must not be.
type Secret struct {
	// Kind says what it is, such as "token" or "code_verifier".
	Kind  string
	Value string
}

// Secrets returns all that have come up so far, good or bad, in no order.
func (f *Base) Secrets() []Secret {
	f.log.Lock()
	defer f.log.Unlock()
	secrets := make([]Secret, 0, len(f.secrets))
	for value, kind := range f.secrets {
		secrets = append(secrets, Secret{kind, value})
	}
	return secrets
}

// Note remembers a secret under the first kind that is told of it.
func (f *Base) Note(kind, value string) {
	f.log.Lock()
	defer f.log.Unlock()
	if f.secrets == nil {
		f.secrets = map[string]string{}
	}
	if _, known := f.secrets[value]; !known && value != "" {
		f.secrets[value] = kind
	}
}

// noteShown remembers what a request shows, also where it is refused for it.
func (f *Base) noteShown(r *http.Request, body []byte) {
	user, password, basic := r.BasicAuth()
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case basic && password == "":
		f.Note("shown token", user)
	case basic:
		f.Note("shown token", password)
	default:
		f.Note("shown token", rest)
	}
	for _, name := range []string{"X-Api-Key", "Private-Token"} {
		f.Note("shown token", r.Header.Get(name))
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return
	}
	form, _ := url.ParseQuery(string(body))
	for _, name := range []string{"code", "code_verifier", "client_secret", "refresh_token"} {
		f.Note(name, form.Get(name))
	}
}
