package input

import (
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// A user name that is shown again is short: what is longer could be a token. An e-mail address
// is as long as RFC 5321 lets it be.
const (
	longestShown = 32
	longestEmail = 254
)

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
// secrets and would be taken, unless a secret was sent beside them that is the same.
func Shown(fields []providers.Field, form map[string]any, now time.Time) map[string]string {
	secret := map[string]bool{}
	for _, f := range fields {
		if text, ok := form[f.Name].(string); ok && f.Kind.Secret() {
			secret[strings.TrimSpace(text)] = true
			for part := range strings.FieldsFuncSeq(text, betweenTokens) {
				secret[strings.TrimSpace(part)] = true
			}
		}
	}
	shown := map[string]string{}
	for _, f := range fields {
		text, ok := form[f.Name].(string)
		text = strings.TrimSpace(text)
		if ok && text != "" && !secret[text] && showable(f, text, now) {
			shown[f.Name] = text
		}
	}
	return shown
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
