// Package oauth obtains and refreshes the credentials that an authorization server issues:
// authorize, exchange, refresh. It changes records through package credential alone, and
// keeps open authorizations, oauth/<hash> in storage. Begin with [Consents.Authorize] and
// [Consents.Fresh].
package oauth
