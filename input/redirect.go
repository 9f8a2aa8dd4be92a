package input

import (
	"net/url"
	"strings"
)

// RedirectWarning warns of a redirect URI that does not lead to the path callback of the
// mount at mountPoint: it is that of another mount, as after a move, so that the browser
// would come back to where nobody knows its state, or it has a slash at its end, where Vault
// has no such path. "" says that there is nothing to warn of. What does not look like a
// callback of Vault is a page of somebody's own.
func RedirectWarning(redirectURI, mountPoint, callback string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || mountPoint == "" {
		return ""
	}
	path := strings.TrimRight(u.Path, "/")
	front, mount, isCallback := callbackIn(path, callback)
	if !isCallback {
		return ""
	}
	switch mine := isAt(mountPoint, mount); {
	case mine && path != u.Path:
		return "redirect_uri ends with a slash, and Vault does not answer there; take the slash away, here and at the vendor"
	case mine || front != "":
		// With a path in front of /v1/ it could as well be the API of another program.
		return ""
	}
	return "redirect_uri is the callback of another mount than this one, whose callback is /v1/" + mountPoint + callback + "; the browser comes back there. Unless a rule in front of Vault leads it here, set redirect_uri to the callback of this mount, here and at the vendor"
}

// GuestRedirectWarning is RedirectWarning for somebody who has no token of Vault, and so can
// do nothing with a page of somebody's own.
func GuestRedirectWarning(redirectURI, mountPoint, callback string) string {
	if warning := RedirectWarning(redirectURI, mountPoint, callback); warning != "" {
		return warning
	}
	u, err := url.Parse(redirectURI)
	if err != nil || mountPoint == "" {
		return ""
	}
	if _, _, isCallback := callbackIn(strings.TrimRight(u.Path, "/"), callback); isCallback {
		return ""
	}
	return "redirect_uri is not the callback of this mount, which is /v1/" + mountPoint + callback + "; whoever is invited comes back there after consenting, and cannot finish. Unless a rule in front of Vault leads it here, set redirect_uri to that callback, here and at the vendor"
}

// callbackIn takes the path of a callback apart into what stands before Vault's API, which
// is "" where nothing does, and the path of the mount.
func callbackIn(path, callback string) (front, mount string, ok bool) {
	front, rest, isAPI := strings.Cut(path, "/v1/")
	mount, isCallback := strings.CutSuffix(rest, "/"+callback)
	return front, mount, isAPI && isCallback && mount != ""
}

// isAt reports whether the mount at mountPoint is the one at a path. Vault tells its path
// with that of its namespace, which is left out where something in front of Vault names it
// in a header. What stands in front of Vault may itself have a v1 in its path.
func isAt(mountPoint, mount string) bool {
	own := strings.TrimSuffix(mountPoint, "/")
	return mount == own || strings.HasSuffix(own, "/"+mount) || strings.HasSuffix(mount, "/v1/"+own)
}
