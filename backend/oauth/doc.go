// Package oauth obtains the credentials that an authorization server issues, and renews
// them: authorize, exchange, refresh. It changes records through the door of credential
// alone, and keeps open authorizations, oauth/<hash>. Begin with [Consents.Authorize] and
// [Consents.Fresh].
package oauth
