package providers

import (
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// invalid is a setting or credential field that cannot be used.
func (p probe) invalid(field, format string, args ...any) *Error {
	e := p.fail(InvalidField, format, args...)
	e.Fields = []string{field}
	return e
}

// root reads the setting url into a URL with lower-case host and without slash at
// its end.
func (p probe) root(raw string) (*url.URL, *Error) {
	if problem := upstream.Misread(strings.TrimSpace(raw)); problem != "" {
		return nil, p.invalid("url", "url %s", problem)
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, p.invalid("url", "url must be an absolute https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, p.invalid("url", "url must have no user, password, query or fragment")
	case emptyLabel(u.Hostname()):
		return nil, p.invalid("url", "the host of url must have a name without empty parts, such as two dots in a row")
	case strings.Contains(u.RawPath, "%"):
		// Set where net/url would write the path otherwise: a slash may hide there.
		return nil, p.invalid("url", "the path of url must not contain encoded slashes, nor anything else encoded that need not be")
	}
	u.Host = strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	for _, segment := range strings.Split(u.Path, "/")[min(1, len(u.Path)):] {
		if segment == "" && u.Path != "" || segment == "." || segment == ".." {
			return nil, p.invalid("url", "the path of url must not contain empty or dot segments")
		}
	}
	return u, nil
}

// emptyLabel reports whether a host has an empty label beside that of the root
// domain, which one dot at its end stands for.
func emptyLabel(host string) bool {
	return slices.Contains(strings.Split(strings.TrimSuffix(host, "."), "."), "")
}

// trimAPIPath cuts off the first of suffixes that the path ends with.
func trimAPIPath(u *url.URL, suffixes ...string) {
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(u.Path, s); ok {
			u.Path = strings.TrimRight(rest, "/")
			return
		}
	}
}
