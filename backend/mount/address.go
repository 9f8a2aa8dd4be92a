package mount

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

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
	return checkRoot(u)
}

// checkRoot refuses an address below which there is no link: one of a page or of the API
// instead of what is before them, and one that nobody can call.
func checkRoot(u *url.URL) error {
	refuse := func(problem string) error {
		return &backend.Error{Code: backend.CodeInvalidField, Fields: []string{"public_address"}, Message: "public_address " + problem}
	}
	if u.Port() != "" || strings.HasSuffix(u.Host, ":") {
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			return refuse("must have a port from 1 to 65535, or none")
		}
	}
	path := strings.Trim(u.Path, "/")
	if path == "" {
		return nil
	}
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case "v1", "ui":
			return refuse("must end before /v1 and /ui: links go on with /v1 and the mount")
		case "", ".", "..":
			return refuse("must have a path without empty parts and dots, as a browser would send it")
		}
	}
	return nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
