package upstream

import "regexp"

// plainHost is what is shown of a host: the upstream chose it.
var plainHost = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?$`)

// Leads returns scheme and host to which a redirect leads, as in "https://example.com",
// or "" if it does not say, or nothing that could be shown or entered. Path and query stay
// out, and so does a host that repeats what was sent: a hostile upstream would have a secret
// written to answers and logs. Elsewhere says whether that is another place than the
// one that answered.
func (r *Response) Leads() (origin string, elsewhere bool) {
	if r.Header.Get("Location") == "" {
		return "", false
	}
	to, err := r.from.url.Parse(r.Header.Get("Location"))
	if err != nil {
		return "", false
	}
	ep, problem := parseEndpoint(to.Scheme + "://" + to.Host)
	if problem != nil || !ep.addr.IsValid() && !plainHost.MatchString(ep.host) {
		return "", false
	}
	if r.echoes != nil && r.echoes(ep.host) {
		return "", false
	}
	there, here := ep.scheme+"://"+ep.authority(), r.from.scheme+"://"+r.from.authority()
	return there, there != here
}
