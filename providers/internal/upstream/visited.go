package upstream

// Confidential reports whether what a browser carries to an address stays between
// the browser and that address: it is https, or the machine that the browser runs on
// (RFC 8252, section 8.3). The engine calls no such address itself.
func Confidential(raw string) bool {
	ep, err := parseEndpoint(raw)
	return err == nil && (ep.scheme == "https" || ep.addr.IsLoopback() || isLocalhost(ep.host))
}
