// Package authserver is an authorization server of OAuth 2.0, with a page on which a
// person consents, for the fakes of upstreams that have one. It is for tests, and
// imports package providertest only; answers in a vendor's own words stay in the
// vendor's fake. Begin with [Server].
package authserver
