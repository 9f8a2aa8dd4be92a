package providertest

import (
	"maps"
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
func (f *fake) Secrets() []Secret {
	f.log.Lock()
	defer f.log.Unlock()
	secrets := make([]Secret, 0, len(f.secrets))
	for value, kind := range f.secrets {
		secrets = append(secrets, Secret{kind, value})
	}
	return secrets
}

// note remembers a secret under the first kind that is told of it.
func (f *fake) note(kind, value string) {
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
func (f *fake) noteShown(r *http.Request, body []byte) {
	user, password, basic := r.BasicAuth()
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case basic && password == "":
		f.note("shown token", user)
	case basic:
		f.note("shown token", password)
	default:
		f.note("shown token", rest)
	}
	for _, name := range []string{"X-Api-Key", "Private-Token"} {
		f.note("shown token", r.Header.Get(name))
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return
	}
	form, _ := url.ParseQuery(string(body))
	for _, name := range []string{"code", "code_verifier", "client_secret", "refresh_token"} {
		f.note(name, form.Get(name))
	}
}

// Secrets returns those of all fakes, with the fake's name before the kind.
func (w *World) Secrets() []Secret {
	all := map[Secret]bool{}
	for name, f := range w.Fakes() {
		if a, ok := f.(authorizer); ok {
			for _, value := range a.Issued() {
				_, rest, _ := strings.Cut(value, "-")
				kind, _, _ := strings.Cut(rest, "-")
				all[Secret{name + " issued " + kind, value}] = true
			}
		}
		for _, s := range f.Secrets() {
			all[Secret{name + " " + s.Kind, s.Value}] = true
		}
	}
	secrets := make([]Secret, 0, len(all))
	for s := range maps.Keys(all) {
		secrets = append(secrets, s)
	}
	return secrets
}
