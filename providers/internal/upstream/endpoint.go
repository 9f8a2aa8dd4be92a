package upstream

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// endpoint is where a URL leads: scheme, host and port, in one spelling.
type endpoint struct {
	scheme string
	host   string     // lower case, no trailing dot, no brackets
	addr   netip.Addr // valid where host is a literal address
	port   string
	// url is what is called, made of the above: net/http gets this and not the text
	// that was read, so nothing can be called but what was judged.
	url url.URL
}

// parseEndpoint reads an absolute http or https URL. Its errors quote no more of
// it than the host, because a URL may hide a password or a query.
func parseEndpoint(raw string) (endpoint, *Error) {
	if problem := Misread(raw); problem != "" {
		return endpoint{}, newError(InvalidURL, "", "the address %s", problem)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.Host == "" {
		return endpoint{}, newError(InvalidURL, "", "the address is not an absolute http or https URL")
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme != "http" && scheme != "https" {
		return endpoint{}, newError(InvalidURL, "", "the address must begin with https:// or http://")
	}
	if u.User != nil {
		return endpoint{}, newError(InvalidURL, "", "the address must not contain a user or password")
	}
	host, addr, problem := parseHost(u.Hostname())
	if problem == "" && strings.HasPrefix(u.Host, "[") && !strings.Contains(u.Hostname(), ":") {
		problem = notName // in brackets stands an IPv6 address and nothing else
	}
	switch problem {
	case "":
	case notName, notASCII:
		return endpoint{}, newError(InvalidURL, "", "the host %q %s", u.Hostname(), problem)
	default:
		return endpoint{}, newError(NotAllowed, u.Hostname(), "the host %q %s", u.Hostname(), problem)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(scheme)
	}
	if problem := portProblem(port); problem != "" {
		return endpoint{}, newError(InvalidURL, "", "the address %s", problem)
	}
	ep := endpoint{scheme: scheme, host: host, addr: addr, port: port, url: *u}
	ep.url.Scheme, ep.url.Host, ep.url.Fragment, ep.url.RawFragment = scheme, ep.authority(), "", ""
	return ep, nil
}

// Spelling is the one spelling of an address, in which it is judged and called. Its
// error is an *Error.
func Spelling(raw string) (string, error) {
	ep, err := parseEndpoint(raw)
	if err != nil {
		return "", err
	}
	return ep.url.String(), nil
}

// authority is host and port as a URL has them, the port only where it must be named.
func (ep endpoint) authority() string {
	host := ep.host
	if ep.addr.Is6() {
		host = "[" + host + "]"
	}
	if ep.port == defaultPort(ep.scheme) {
		return host
	}
	return host + ":" + ep.port
}

// Misread says what in the text of an address different readers read differently, or
// returns "". It is asked before anything else: to make a letter small can turn one that
// is not of ASCII into one that is (U+0130 into i), net/http turns others into digits and
// dots, and a browser takes a backslash for a slash.
func Misread(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	switch {
	case strings.ContainsFunc(raw, func(r rune) bool { return r > unicode.MaxASCII }):
		return notASCII
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }):
		return "must not contain spaces, control characters or backslashes"
	case strings.Contains(authority, "%") && !strings.HasPrefix(authority, "["): // there it begins a zone
		return "must not have anything percent-encoded in its host"
	}
	return ""
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// hostLetters are those of host names, and the underscore that some have.
const hostLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_."

// What parseHost finds wrong with a host that is none.
const (
	notName  = "is not a host name"
	notASCII = "must be written in ASCII: of a host, give the form that begins with xn--, and encode other letters by %"
)

// parseHost brings a host into one spelling. A host that looks like a number
// without being an address in the usual form is refused: Go would look it up as
// a name, but a resolver or a proxy may read 2130706433 or 0x7f.1 as 127.0.0.1.
// Other letters than ASCII are refused before they are made small; see Misread.
func parseHost(raw string) (host string, addr netip.Addr, problem string) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", netip.Addr{}, notASCII
	}
	host = strings.TrimSuffix(strings.ToLower(raw), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return "", netip.Addr{}, "is an address with a zone, which cannot be called"
		}
		a = a.Unmap()
		return a.String(), a, ""
	}
	if emptyLabel(host) || strings.ContainsFunc(host, func(r rune) bool { return !strings.ContainsRune(hostLetters, r) }) {
		return "", netip.Addr{}, notName
	}
	if looksNumeric(host) {
		return "", netip.Addr{}, "is an address in a form that is not accepted"
	}
	return host, netip.Addr{}, ""
}

// emptyLabel reports whether a part between dots is empty, or all is: other resolvers
// may drop the dots and find an address.
func emptyLabel(host string) bool { return slices.Contains(strings.Split(host, "."), "") }

// looksNumeric tells whether other parsers would take host for an IPv4 address:
// its last label is a decimal, octal or hexadecimal number.
func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// isLocalhost reports whether a name always means this machine (RFC 6761).
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
