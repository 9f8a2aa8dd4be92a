// Package providertest holds fake upstreams that are as strict as the real ones,
// and the cases that every provider must pass.
//
// A fake is an [net/http.Handler] whose tokens, accounts and faults can be changed
// while it serves. It answers what the upstream's documentation, code or recorded
// answers show; where each answer comes from stands beside it. Unknown paths are
// 404, wrong methods 405, and a credential is demanded wherever the upstream
// demands one.
//
// [Internet] gives the fakes their real host names, over TLS, behind an HTTP
// proxy, so that production code needs no hook: an integration that sets
// proxy_url and ca_cert reaches https://api.github.com as the fake. [World] is a
// set of fakes wired that way, with a remote control for scripts.
//
// [Bitbucket] and [Entra] are authorization servers of OAuth 2.0 as well. A person
// consents on a page of theirs, in a browser or by [World.Consent].
package providertest
