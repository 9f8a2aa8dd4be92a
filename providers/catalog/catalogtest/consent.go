package catalogtest

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/providers/bitbucket/bitbuckettest"
)

// Consent does in process what a person does in a browser: it opens the page at
// authorizeURL, presses Grant access or Cancel, and returns where the browser is sent
// then, which nobody visits. Nothing is sent to the network: the host leads to the
// World's fake, and any address of this machine to the fake that has the path.
//
// A server that sends the browser on without a question is no error: the redirect
// says what is wrong. An error names the status of the page that says it, if that
// cannot be told to the client.
func (w *World) Consent(authorizeURL string, grant bool) (redirect *url.URL, err error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return nil, errors.New("consent: the address is no URL")
	}
	server := w.authorizer(u)
	if server == nil {
		return nil, fmt.Errorf("consent: no authorization server at %s%s", u.Host, u.Path)
	}
	page, err := visit(server, http.MethodGet, u, "")
	if err != nil || page.Code == http.StatusFound {
		return sentTo(page, err)
	}
	if page.Code != http.StatusOK {
		return nil, fmt.Errorf("consent: the page is answered with %d", page.Code)
	}
	form, err := readConsentForm(page.Body.String())
	if err != nil {
		return nil, err
	}
	button := "deny"
	if grant {
		button = "grant"
	}
	sent, err := form.press(button)
	if err != nil {
		return nil, err
	}
	answer, err := visit(server, http.MethodPost, u.ResolveReference(form.action), sent)
	if err == nil && answer.Code != http.StatusFound {
		err = fmt.Errorf("consent: the form is answered with %d", answer.Code)
	}
	return sentTo(answer, err)
}

// authorizer finds the fake that an address leads to; nil if there is none.
func (w *World) authorizer(u *url.URL) http.Handler {
	host := u.Hostname()
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return w.Handler(u.Host)
	}
	switch {
	case strings.HasPrefix(u.Path, bitbuckettest.BitbucketOAuthPath):
		return w.Bitbucket
	case strings.HasSuffix(u.Path, "/oauth2/v2.0/authorize"):
		return w.Entra
	}
	return nil
}

// visit asks a handler as a browser does. A connection that the handler breaks is an
// error.
func visit(h http.Handler, method string, u *url.URL, form string) (answer *httptest.ResponseRecorder, err error) {
	r, err := http.NewRequestWithContext(context.Background(), method, u.String(), strings.NewReader(form))
	if err != nil {
		return nil, errors.New("consent: the address cannot be visited")
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "Mozilla/5.0")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); !ok || !errors.Is(e, http.ErrAbortHandler) {
				panic(p)
			}
			answer, err = nil, errors.New("consent: the connection broke")
		}
	}()
	answer = httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer, nil
}

// sentTo returns the address that an answer sends the browser to.
func sentTo(answer *httptest.ResponseRecorder, err error) (*url.URL, error) {
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(answer.Header().Get("Location"))
	if err != nil || !u.IsAbs() {
		return nil, errors.New("consent: the redirect leads nowhere")
	}
	return u, nil
}

// consentForm is the form of a page.
type consentForm struct {
	action  *url.URL
	fields  url.Values
	buttons map[string][2]string // name and value, by id
}

// press returns what a browser sends when a button is pressed.
func (f consentForm) press(id string) (string, error) {
	button, ok := f.buttons[id]
	if !ok {
		return "", fmt.Errorf("consent: the page has no button %q", id)
	}
	f.fields.Add(button[0], button[1])
	return f.fields.Encode(), nil
}

// readConsentForm finds the form that is posted.
func readConsentForm(page string) (consentForm, error) {
	form := consentForm{fields: url.Values{}, buttons: map[string][2]string{}}
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		if start, ok := token.(xml.StartElement); ok {
			form.read(start)
		}
	}
	if form.action == nil {
		return form, errors.New("consent: the page has no form that is posted")
	}
	return form, nil
}

// read notes an element of the page.
func (f *consentForm) read(e xml.StartElement) {
	has := map[string]string{}
	for _, a := range e.Attr {
		has[a.Name.Local] = a.Value
	}
	switch {
	case e.Name.Local == "form" && strings.EqualFold(has["method"], http.MethodPost):
		f.action, _ = url.Parse(has["action"])
	case e.Name.Local == "input" && f.action != nil:
		f.fields.Add(has["name"], has["value"])
	case e.Name.Local == "button" && f.action != nil:
		f.buttons[has["id"]] = [2]string{has["name"], has["value"]}
	}
}
