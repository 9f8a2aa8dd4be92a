// Package session lets one person's browser in and nobody else: it judges the host that a
// request names, exchanges the code of the start link for a cookie, once, and demands a token
// of every form. It knows nothing of Vault and nothing of the pages behind it. Begin with
// [Session.Wrap].
package session
