// Package providertest is the kit that the fakes of upstreams are built from: the log of
// requests, faults, streams that no HTTP server would send, and the [Internet] that
// gives the fakes their real host names. It is for tests, and imports nothing of the
// engine. Begin with [Fake] and [Base].
//
// A fake is an [net/http.Handler] whose tokens, accounts and faults can be changed while
// it serves. It answers what the upstream's documentation, code or recorded answers
// show; where each answer comes from stands beside it. Unknown paths are 404, wrong
// methods 405, and a credential is demanded wherever the upstream demands one.
//
// [Internet] has TLS certificates of its own and stands behind an HTTP proxy, so that
// production code needs no hook. Package catalogtest wires all fakes that way.
package providertest
