package upstream

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// hostEntry is one parsed [scheme://]host[:port].
type hostEntry struct {
	scheme   string // https where the entry has none
	host     string // without the "*." of a wildcard
	wildcard bool
	addr     netip.Addr
	port     string // "" means any
	text     string
}

func parseEntry(text string) (hostEntry, string) {
	e := hostEntry{scheme: "https", text: text}
	if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
		return e, notASCII
	}
	rest := strings.TrimSpace(text)
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		e.scheme, rest = strings.ToLower(scheme), after
	}
	if e.scheme != "http" && e.scheme != "https" {
		return e, "has a scheme other than http and https"
	}
	host, port, problem := splitPort(rest)
	if problem != "" {
		return e, problem
	}
	e.port = port
	host, e.wildcard = strings.CutPrefix(host, "*.")
	e.host, e.addr, problem = parseHost(host)
	if problem == "" && e.wildcard && e.addr.IsValid() {
		problem = "puts a wildcard before an address"
	}
	return e, problem
}

// splitPort splits host[:port]; an IPv6 address with a port stands in brackets.
func splitPort(s string) (host, port, problem string) {
	if rest, ok := strings.CutPrefix(s, "["); ok {
		inside, after, closed := strings.Cut(rest, "]")
		if a, err := netip.ParseAddr(inside); !closed || err != nil || !a.Is6() {
			return "", "", "has brackets around something that is not an IPv6 address"
		}
		host, s = inside, after
		if s == "" {
			return host, "", ""
		}
		if s[0] != ':' {
			return "", "", "has something else than a port after its host"
		}
		return host, s[1:], portProblem(s[1:])
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return s, "", ""
	}
	host, port, found := strings.Cut(s, ":")
	if !found {
		return host, "", ""
	}
	return host, port, portProblem(port)
}

func portProblem(port string) string {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "has a port that is not a number from 1 to 65535"
	}
	return ""
}

// names reports whether the entry is about that host and port.
func (e hostEntry) names(host string, addr netip.Addr, port string) bool {
	switch {
	case e.port != "" && e.port != port:
		return false
	case e.addr.IsValid() || addr.IsValid():
		return e.addr == addr
	case e.wildcard:
		return strings.HasSuffix(host, "."+e.host) && !isLocalhost(host)
	default:
		return e.host == host
	}
}

// permits reports whether the entry vouches for an address of a forbidden class.
func (e hostEntry) permits(ip netip.Addr) bool {
	if e.wildcard {
		return false
	}
	return e.addr == ip || ip.IsLoopback() && isLocalhost(e.host)
}
