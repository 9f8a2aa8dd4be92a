package upstream

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	// tellingWhole is the shortest value whose repetition is no chance.
	tellingWhole = 8
	// tellingPart is the shortest part of a value of which the same is said. A host name has
	// no room for a long token, and for none in one label.
	tellingPart = 12
)

// echoesOf returns what finds in a host name the values that a request carries: those of
// its headers, of its body and of its address. Host names know no letter case and few
// signs, so only letters and digits count.
func echoesOf(header http.Header, body []byte, address url.URL) func(host string) bool {
	return func(host string) bool {
		host = plainForm(host)
		for _, value := range append(headerValues(header), append(bodyValues(body), queryValues(address)...)...) {
			for _, form := range []string{value, hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value))} {
				if sharesPart(host, plainForm(form)) {
					return true
				}
			}
		}
		return false
	}
}

// sharesPart reports whether host holds value, or a telling part of it.
func sharesPart(host, value string) bool {
	if len(value) <= tellingPart {
		return len(value) >= tellingWhole && strings.Contains(host, value)
	}
	for at := range len(value) - tellingPart + 1 {
		if strings.Contains(host, value[at:at+tellingPart]) {
			return true
		}
	}
	return false
}

// plainForm keeps the letters, as small ones, and digits.
func plainForm(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, text)
}

// headerValues are the values of headers that can hold a credential. Of HTTP Basic
// authentication the name is left out: an address there has the domain of the company, and
// so has the host where it signs in.
func headerValues(header http.Header) []string {
	var found []string
	for name, values := range header {
		switch name {
		case "Accept", "Accept-Encoding", "Content-Type", "User-Agent":
			continue
		}
		for _, value := range values {
			found = append(found, withoutScheme(value)...)
		}
	}
	return found
}

// withoutScheme is a header's value, without the word for its kind, and the password of HTTP
// Basic authentication, which OAuth clients percent-encode before.
func withoutScheme(value string) []string {
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok {
		return []string{value}
	}
	plain, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || !strings.EqualFold(scheme, "basic") {
		return []string{rest}
	}
	_, password, _ := strings.Cut(string(plain), ":")
	found := []string{rest, password}
	if decoded, err := url.QueryUnescape(password); err == nil {
		found = append(found, decoded)
	}
	return found
}

// bodyValues are the values of a form or the texts of a JSON document.
func bodyValues(body []byte) []string {
	if len(body) == 0 {
		return nil
	}
	var document any
	if json.Unmarshal(body, &document) == nil {
		return texts(document)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return []string{string(body)}
	}
	return formValues(form)
}

func texts(document any) []string {
	var found []string
	switch v := document.(type) {
	case string:
		found = append(found, v)
	case []any:
		for _, element := range v {
			found = append(found, texts(element)...)
		}
	case map[string]any:
		for _, element := range v {
			found = append(found, texts(element)...)
		}
	}
	return found
}

func queryValues(address url.URL) []string { return formValues(address.Query()) }

// formValues are all but those that OAuth makes public, which may be near to where a redirect
// leads.
func formValues(form url.Values) []string {
	var found []string
	for name, values := range form {
		switch name {
		case "client_id", "grant_type", "redirect_uri", "scope":
		default:
			found = append(found, values...)
		}
	}
	return found
}
