// Package catalogtest is a [World] with one fake of every upstream, a remote control of
// it for scripts, and the cases that every provider must pass. It is for tests, and may
// import every fake, but no provider. Begin with [World] and [Suites].
//
// The fakes have their real host names, over TLS, behind an HTTP proxy, so that
// production code needs no hook: an integration that sets proxy_url and ca_cert reaches
// https://api.github.com as the fake. Bitbucket and Entra are authorization servers of
// OAuth 2.0 as well. A person consents on a page of theirs, in a browser or by
// [World.Consent].
package catalogtest
