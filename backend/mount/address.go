package mount

import (
	"net/netip"
	"net/url"

	"vault-plugin-secrets-sei/backend"
)

// checkAddress refuses an address at which a form would be sent in the clear.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || address != "" && u.Scheme != "https" && !loopback(u.Hostname()) {
		return &backend.Error{
			Code: backend.CodeInvalidField, Fields: []string{"public_address"},
			Message: "public_address must be https: people send credentials there; http is for a loopback address only",
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
