package providers

// SchemeHeaders is implemented by providers whose upstreams take a credential in
// several ways, of which not every server knows each.
type SchemeHeaders interface {
	// HeadersFor is Headers for the Scheme of a check that verified the credential.
	HeadersFor(authType, scheme string, cred Credential) map[string]string
}

// HeadersOf returns what a worker sets on a request to authenticate with a
// credential whose check told scheme; "" means that it told none.
func HeadersOf(p Provider, authType, scheme string, cred Credential) map[string]string {
	if s, ok := p.(SchemeHeaders); ok && scheme != "" {
		return s.HeadersFor(authType, scheme, cred)
	}
	return p.Headers(authType, cred)
}
