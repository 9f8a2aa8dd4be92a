// Package oauthclient is the OAuth 2.0 client of the providers that have an
// authorization server: the auth type with its fields, the exchange of codes, the
// refresh of tokens, and the judgement of refusals. It imports package probe and what
// lies below that; what only one vendor says comes from the vendor's own package, by
// [Server]. Begin with [New].
package oauthclient
