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
}

// parseEndpoint reads an absolute http or https URL. Its errors quote no more of
// it than the host, because a URL may hide a password or a query.
func parseEndpoint(raw string) (endpoint, *Error) {
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
	return endpoint{scheme: scheme, host: host, addr: addr, port: port}, nil
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// What parseHost finds wrong with a host that is none.
const (
	notName  = "is not a host name"
	notASCII = "is not written in ASCII; give the form that begins with xn--"
)

// parseHost brings a host into one spelling. A host that looks like a number
// without being an address in the usual form is refused: Go would look it up as
// a name, but a resolver or a proxy may read 2130706433 or 0x7f.1 as 127.0.0.1.
// Other letters than ASCII are refused because net/http folds some of them into
// digits and dots after the address has been judged.
func parseHost(raw string) (host string, addr netip.Addr, problem string) {
	host = strings.TrimSuffix(strings.ToLower(raw), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return "", netip.Addr{}, "is an address with a zone, which cannot be called"
		}
		a = a.Unmap()
		return a.String(), a, ""
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", netip.Addr{}, notASCII
	}
	if emptyLabel(host) || strings.ContainsAny(host, " \t\r\n/\\@%?#[]:\"<>^`{|}*,;") {
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
