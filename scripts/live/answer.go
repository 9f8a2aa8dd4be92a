package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// answer is one of the recorded answers that fakes follow.
type answer struct {
	Case    string            `json:"case"`
	Kind    string            `json:"kind"`
	Source  string            `json:"source"`
	Request request           `json:"request"`
	Status  int               `json:"status"`
	Header  map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
	Note    string            `json:"note"`
}

type request struct {
	Method string            `json:"method"`
	Host   string            `json:"host"`
	Path   string            `json:"path"`
	Header map[string]string `json:"headers"`
	Body   string            `json:"body,omitempty"`
}

// maxList is how many items of a list are shown: the others look alike.
const maxList = 3

// answer makes of an exchange what can be sent to others.
func (s *scrubber) answer(e exchange) answer {
	a := answer{
		Request: request{Method: e.method, Host: s.text(e.host), Path: s.text(e.path), Header: map[string]string{}},
		Status:  e.status, Header: map[string]string{}, Kind: "recorded",
	}
	if e.query != "" {
		a.Request.Path += "?" + s.text(e.query)
	}
	if e.accept != "" {
		a.Request.Header["Accept"] = e.accept // the engine's own
	}
	if e.authScheme != "" {
		a.Request.Header["Authorization"] = e.authScheme + " <credential>"
	}
	if e.sentBody {
		a.Request.Body = "<left out>"
	}
	left := s.headers(e.header, a.Header)
	a.Body, a.Note = s.body(e.header.Get("Content-Type"), e.body)
	if len(left) > 0 {
		a.Note += "; these headers came, too: " + strings.Join(left, ", ")
	}
	return a
}

// The headers whose words are vendors', those that hold numbers, and those by which a
// vendor marks its answers, of which only the form is shown.
func wordHeaders() []string {
	return []string{
		"Content-Type", "Www-Authenticate", "X-Oauth-Scopes", "X-Accepted-Oauth-Scopes", "X-Accepted-Github-Permissions", "X-Github-Sso",
		"X-Seraph-Loginreason", "X-Authentication-Denied-Reason", "X-Credential-Type", "X-Tfs-Serviceerror", "Location", "Server",
		"X-Ratelimit-Resource", "Ratelimit-Reason", "Ratelimit-Name", "Date", "Ratelimit-Resettime",
		"Github-Authentication-Token-Expiration", "Sonarqube-Authentication-Token-Expiration", "X-Failure-Category",
	}
}

func numberHeaders() []string {
	return []string{
		"Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Ratelimit-Used",
		"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "Ratelimit-Observed", "X-Ratelimit-Delay",
		"X-Github-Media-Type", "X-Github-Api-Version-Selected", "X-Github-Enterprise-Version", "Sonar-Version",
	}
}

func markHeaders() []string {
	return []string{
		"X-Github-Request-Id", "X-Tfs-Processid", "X-Vss-E2eid", "X-Vss-Userdata", "X-Gitlab-Meta", "Activityid", "X-Request-Id",
		"X-Arequestid", "X-Ausername", "Atl-Traceid", "X-Request-Count", "X-Oauth-Client-Id",
	}
}

// headers puts what may be shown into shown, and returns the names of the others.
func (s *scrubber) headers(all http.Header, shown map[string]string) (left []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value, canonical := strings.Join(all[name], ", "), http.CanonicalHeaderKey(name)
		switch {
		case slices.Contains(wordHeaders(), canonical):
			shown[name] = s.text(value)
		case slices.Contains(numberHeaders(), canonical):
			shown[name] = s.number(value)
		case slices.Contains(markHeaders(), canonical):
			shown[name] = form(value)
		default:
			left = append(left, s.name(name))
		}
	}
	return left
}

// body returns what can be shown of a body, and a note of what was done with it.
func (s *scrubber) body(contentType string, body []byte) (shown any, note string) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if _, after := decoder.Token(); err == nil && errors.Is(after, io.EOF) {
		return s.value("", value), "names, ids, dates and whatever else could be of somebody replaced, lists cut to three items"
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	text := strings.TrimSpace(string(body))
	switch {
	case text == "":
		return "", "the body is empty, or could not be read"
	case strings.HasPrefix(text, "<") || strings.Contains(kind, "html") || len(text) > 1000:
		beginning := "<" + s.name(strings.TrimLeft(first(text), "<")) + ">"
		return beginning, fmt.Sprintf("of a body of %d bytes that is no JSON only the beginning is shown", len(body))
	}
	if _, err := netip.ParseAddr(text); err != nil && version.MatchString(text) {
		return text, "a version"
	}
	return s.text(text), "whatever could be of somebody replaced"
}

// first is the first word of a page, such as !DOCTYPE.
func first(text string) string {
	text, _, _ = strings.Cut(text, ">")
	word, _, _ := strings.Cut(text, " ")
	return word[:min(len(word), 20)]
}

// wordMembers are the members whose texts are vendors' words.
func wordMembers() []string {
	return []string{
		"message", "msg", "error", "errors", "error_description", "errorMessages", "detail", "detailedMessage", "documentation_url",
		"code", "errorCode", "typeKey", "typeName", "$type", "exceptionName", "type", "token_type", "status", "state", "scope", "scopes",
		"reason", "required", "granted", "suberror", "failureTypes", "apiKeyType", "accountType", "visibility", "descriptor", "level", "serverTitle", "deploymentType",
	}
}

// numberMembers are the members whose numbers are of no one.
func numberMembers() []string {
	return []string{
		"status", "code", "eventId", "errorCode", "error_codes", "count", "total", "total_count", "totalItems", "totalPages", "size", "limit",
		"remaining", "reset", "used", "expires_in", "startAt", "maxResults", "pagelen", "page", "pageIndex", "pageSize", "pageItemCount",
	}
}

// value replaces what a member of that name holds.
func (s *scrubber) value(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		return s.object(v)
	case []any:
		items := []any{}
		for _, item := range v[:min(len(v), maxList)] {
			items = append(items, s.value(name, item))
		}
		return items
	case string:
		return s.string(name, v)
	case json.Number:
		return count(name, v)
	}
	return value // true, false or null
}

func (s *scrubber) object(from map[string]any) map[string]any {
	to := make(map[string]any, len(from))
	for _, name := range slices.Sorted(maps.Keys(from)) {
		shown := s.name(name)
		for _, taken := to[shown]; taken; _, taken = to[shown] {
			shown += "x"
		}
		to[shown] = s.value(name, from[name])
	}
	return to
}

// status is that of HTTP, which some write as a text.
var status = regexp.MustCompile(`^[1-5]\d\d$`)

func (s *scrubber) string(name, text string) string {
	if name == "status" && status.MatchString(text) {
		return text
	}
	if begin := refusal.FindString(text); begin != "" && slices.Contains(wordMembers(), name) {
		return begin + s.text(text[len(begin):])
	}
	if slices.Contains(wordMembers(), name) || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") {
		return s.text(text)
	}
	return form(text)
}

// count is a number as it may be shown.
func count(name string, n json.Number) json.Number {
	switch {
	case slices.Contains(numberMembers(), name) && digits.MatchString(n.String()), n.String() == "0":
		return n
	}
	return "1"
}

// learnFrom notes what an answer says of people, before anything is shown.
func (s *scrubber) learnFrom(body []byte) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil {
		s.learnValue("", value)
	}
}

// personMembers are the members that say who somebody is.
func personMembers() []string {
	return []string{
		"login", "name", "username", "user", "nickname", "displayName", "display_name", "email", "emailAddress", "slug", "key", "id",
		"accountId", "account_id", "uuid", "identifier", "accountIdentifier", "organization", "workspace", "company", "uniqueName",
		"providerDisplayName", "customDisplayName", "publicAlias", "mail", "userName", "principalName",
	}
}

func (s *scrubber) learnValue(name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			s.learnValue(name, member)
		}
	case []any:
		for _, item := range v {
			s.learnValue(name, item)
		}
	case string:
		if slices.Contains(personMembers(), name) {
			s.learn(v)
		}
	case json.Number:
		if slices.Contains(personMembers(), name) && len(v) > 1 {
			s.learn(v.String())
		}
	}
}
