package input

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// A user name that is shown again is short: what is longer could be a token. An e-mail address
// is as long as RFC 5321 lets it be.
const (
	longestShown = 32
	longestEmail = 254
)

// What a form may send: as many tokens as a pool has, each as long as one may be, something
// between them, and the other fields.
const (
	maxPoolText   = maxPool * (maxSecret + 2)
	maxForm       = maxPoolText + 4*maxSecret
	maxFormFields = 50
)

// FormFits refuses a form that is larger than any that could be taken. Whoever sends it need
// not be known to Vault, so that is found before the form is taken apart.
func FormFits(form map[string]any) error {
	if len(form) > maxFormFields {
		return &backend.Error{Code: backend.CodeInvalidField, Message: fmt.Sprintf("the form has more than %d fields", maxFormFields)}
	}
	size := 0
	for name, value := range form {
		size += len(name)
		if text, ok := value.(string); ok {
			size += len(text)
		}
	}
	if size > maxForm {
		return &backend.Error{Code: backend.CodeInvalidField, Message: fmt.Sprintf("the form is longer than %d bytes; at most %d tokens of at most %d bytes each are taken", maxForm, maxPool, maxSecret)}
	}
	return nil
}

// Submitted is the body of a re-authentication that a form sent. A form sends also what
// nobody filled in: that is left out where it may be. The tokens of a pool stand one a line,
// or in fields of the same name, which Vault joins with commas.
func Submitted(fields []providers.Field, form map[string]any) map[string]any {
	body := make(map[string]any, len(form))
	for name, value := range form {
		i := slices.IndexFunc(fields, func(f providers.Field) bool { return f.Name == name })
		text, isText := value.(string)
		switch {
		case i < 0 || !isText:
			body[name] = value
		case strings.TrimSpace(text) == "":
			if fields[i].Required {
				body[name] = ""
			}
		case fields[i].Kind == providers.Pool:
			body[name] = lines(text)
		default:
			body[name] = text
		}
	}
	return body
}

// betweenTokens is what parts the tokens of a pool.
func betweenTokens(r rune) bool { return r == '\n' || r == '\r' || r == ',' }

// lines are what stands on lines or between commas, blanks left out.
func lines(text string) any {
	var found []any
	for line := range strings.FieldsFuncSeq(text, betweenTokens) {
		if line = strings.TrimSpace(line); line != "" {
			found = append(found, line)
		}
		if len(found) > maxPool { // is refused as too many, however many there are
			break
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found
}

// Shown are the values of a form that it may show again: those of fields that are no
// secrets and would be taken, unless a secret was sent beside them that is the same. Of a
// form that does not fit there are none.
func Shown(fields []providers.Field, form map[string]any, now time.Time) map[string]string {
	shown := map[string]string{}
	if FormFits(form) != nil {
		return shown
	}
	for _, f := range fields {
		text, ok := form[f.Name].(string)
		text = strings.TrimSpace(text)
		if ok && text != "" && showable(f, text, now) {
			shown[f.Name] = text
		}
	}
	for _, f := range fields {
		if text, ok := form[f.Name].(string); ok && f.Kind.Secret() {
			withoutSecret(shown, text)
		}
	}
	return shown
}

// withoutSecret takes out what is the same as a secret, or as one of several. It keeps none
// of them: there can be very many.
func withoutSecret(shown map[string]string, secret string) {
	same := func(part string) {
		part = strings.TrimSpace(part)
		maps.DeleteFunc(shown, func(_, text string) bool { return text == part })
	}
	same(secret)
	for part := range strings.FieldsFuncSeq(secret, betweenTokens) {
		same(part)
	}
}

// showable reports whether a value may stand in a page. What could be a secret in the wrong
// field is no e-mail address, and what is as long as a token is no user name.
func showable(f providers.Field, text string, now time.Time) bool {
	switch {
	case f.Kind.Secret():
		return false
	case f.Kind == providers.Time:
		_, err := parseTime(text, now)
		return err == nil
	case f.Kind == providers.Email:
		return len(text) <= longestEmail && checkLogin(f, text) == nil
	default:
		return len(text) <= longestShown && checkLogin(f, text) == nil
	}
}
