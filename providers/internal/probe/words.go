package probe

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// ActionURL returns a link that an upstream gave for a person to follow, if it
// is https, or of the scheme the integration uses, and leads to one of hosts.
func ActionURL(raw, scheme string, hosts ...string) string {
	const longest = 2048
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || len(raw) > longest || upstream.Misread(u.String()) != "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	if u.Scheme != "https" && u.Scheme != scheme {
		return ""
	}
	for _, host := range hosts {
		if strings.EqualFold(u.Host, host) {
			return u.String()
		}
	}
	return ""
}

// Printable bounds what of an upstream's answer may become an identity: whoever reads
// it must see what it is, so nothing invisible and nothing that turns text around.
func Printable(text string) string {
	const longest = 254
	text = strings.TrimSpace(text)
	if len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) || providers.Invisible(r) }) {
		return ""
	}
	return text
}
