package probe

import (
	"net/url"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/upstream"
)

// Invalid is a setting or credential field that cannot be used.
func (p Probe) Invalid(field, format string, args ...any) *providers.Error {
	e := p.Fail(providers.InvalidField, format, args...)
	e.Fields = []string{field}
	return e
}

// Root reads the setting url into a URL with lower-case host and without slash at
// its end.
func (p Probe) Root(raw string) (*url.URL, *providers.Error) {
	if problem := upstream.Misread(strings.TrimSpace(raw)); problem != "" {
		return nil, p.Invalid("url", "url %s", problem)
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, p.Invalid("url", "url must be an absolute https URL")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, p.Invalid("url", "url must have no user, password, query or fragment")
	case emptyLabel(u.Hostname()):
		return nil, p.Invalid("url", "the host of url must have a name without empty parts, such as two dots in a row")
	case strings.Contains(u.RawPath, "%"):
		// Set where net/url would write the path otherwise: a slash may hide there.
		return nil, p.Invalid("url", "the path of url must not contain encoded slashes, nor anything else encoded that need not be")
	}
	u.Host = strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	for _, segment := range strings.Split(u.Path, "/")[min(1, len(u.Path)):] {
		if segment == "" && u.Path != "" || segment == "." || segment == ".." {
			return nil, p.Invalid("url", "the path of url must not contain empty or dot segments")
		}
	}
	return u, nil
}

// emptyLabel reports whether a host has an empty label beside that of the root
// domain, which one dot at its end stands for.
func emptyLabel(host string) bool {
	return slices.Contains(strings.Split(strings.TrimSuffix(host, "."), "."), "")
}

// TrimAPIPath cuts off the first of suffixes that the path ends with.
func TrimAPIPath(u *url.URL, suffixes ...string) {
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(u.Path, s); ok {
			u.Path = strings.TrimRight(rest, "/")
			return
		}
	}
}

// WithPort joins a host and a port, which may be empty.
func WithPort(host, port string) string {
	if port == "" {
		return host
	}
	return host + ":" + port
}
