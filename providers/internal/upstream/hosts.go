package upstream

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// AllowedHosts is a rule for which addresses may be called. The zero value is
// the default: https to any address but loopback, link-local, unspecified and
// multicast ones and those of clouds' metadata services. With entries, only what they list may be called, and such an
// address only where an entry's host is that very address, or localhost for a
// loopback one. It is immutable.
type AllowedHosts struct {
	entries []hostEntry
}

// ParseAllowedHosts reads entries of the form [scheme://]host[:port]. A host may
// begin with "*.", which stands for one or more labels; an entry without scheme
// allows https, one without port any port. Its error names the first entry that has
// not this form by its position; in the rule that it returns beside the error such an
// entry matches nothing.
func ParseAllowedHosts(entries []string) (a AllowedHosts, err error) {
	for i, text := range entries {
		e, problem := parseEntry(text)
		if problem != "" {
			e = hostEntry{text: text}
		}
		if problem != "" && err == nil {
			// By position: what was entered may hold a password.
			err = fmt.Errorf("entry %d %s; an entry has the form [scheme://]host[:port]", i+1, problem)
		}
		a.entries = append(a.entries, e)
	}
	return a, err
}

// Entries returns the entries as they were written, in their order.
func (a AllowedHosts) Entries() []string {
	texts := make([]string, len(a.entries))
	for i, e := range a.entries {
		texts[i] = e.text
	}
	return texts
}

// String returns the entries, separated by commas.
func (a AllowedHosts) String() string { return strings.Join(a.Entries(), ",") }

// CheckURL judges what can be judged of an address before it is called, when it
// is configured: its scheme, and its host where that is a literal address or
// localhost. Other names are judged when they are dialled. Its error is an
// *Error of kind InvalidURL or NotAllowed.
func (a AllowedHosts) CheckURL(raw string) error {
	ep, err := parseEndpoint(raw)
	if err != nil {
		return err
	}
	literal := ep.addr.IsValid() || isLocalhost(ep.host)
	if !literal && ep.scheme == "https" {
		return nil
	}
	if err := a.checkEndpoint(ep); err != nil {
		return err
	}
	return nil
}

// CheckCall judges an address as it will be judged when it is called, but for what
// its host resolves to.
func (a AllowedHosts) CheckCall(raw string) error {
	ep, err := parseEndpoint(raw)
	if err == nil {
		err = a.checkEndpoint(ep)
	}
	if err != nil {
		return err
	}
	return nil
}

// CheckProxyURL judges a proxy as CheckURL does an upstream, but for its scheme.
func (a AllowedHosts) CheckProxyURL(raw string) error {
	ep, err := parseEndpoint(raw)
	if err != nil {
		return err
	}
	if !ep.addr.IsValid() && !isLocalhost(ep.host) {
		return nil
	}
	if err := a.checkProxy(ep); err != nil {
		return err
	}
	return nil
}

// checkEndpoint judges scheme, host and port right before a request is sent.
func (a AllowedHosts) checkEndpoint(ep endpoint) *Error {
	if len(a.entries) == 0 {
		return checkDefault(ep)
	}
	matches := func(e hostEntry) bool { return e.scheme == ep.scheme && e.names(ep.host, ep.addr, ep.port) }
	if !slices.ContainsFunc(a.entries, matches) {
		return newError(NotAllowed, ep.host, "%s://%s (port %s) is not in the mount's allowed_hosts; if it may be called, add it there with a write to config", ep.scheme, ep.host, ep.port)
	}
	return nil
}

func checkDefault(ep endpoint) *Error {
	if ep.scheme != "https" {
		return newError(NotAllowed, ep.host, "http to %q is not allowed: use https, or list http://%s in the mount's allowed_hosts", ep.host, ep.host)
	}
	class := ""
	switch {
	case ep.addr.IsValid():
		class = addressClass(ep.addr)
	case isLocalhost(ep.host):
		class = "loopback"
	}
	if class != "" {
		return forbidden(ep.host, class)
	}
	return nil
}

// checkProxy judges a proxy by host and port; its scheme does not matter, since
// an https request passes through it inside TLS.
func (a AllowedHosts) checkProxy(ep endpoint) *Error {
	if len(a.entries) == 0 {
		ep.scheme = "https"
		return checkDefault(ep)
	}
	matches := func(e hostEntry) bool { return e.names(ep.host, ep.addr, ep.port) }
	if !slices.ContainsFunc(a.entries, matches) {
		return newError(NotAllowed, ep.host, "the proxy %s (port %s) is not in the mount's allowed_hosts; if it may be used, add it there with a write to config", ep.host, ep.port)
	}
	return nil
}

// checkDial judges the address that host resolved to.
func (a AllowedHosts) checkDial(host, port string, ip netip.Addr) *Error {
	ip = ip.Unmap().WithZone("")
	class := addressClass(ip)
	if class == "" {
		return nil
	}
	name, addr, _ := parseHost(host)
	for _, e := range a.entries {
		if e.names(name, addr, port) && e.permits(ip) {
			return nil
		}
	}
	return forbidden(host, class)
}

func forbidden(host, class string) *Error {
	return newError(NotAllowed, host, "%q is a %s address, which the mount's allowed_hosts does not list", host, class)
}
