// Package providers says what an upstream is: which settings and credential fields it
// has ([Spec]), how a credential is checked against it ([Provider]), and what else some
// upstreams can do ([Rotator], [Authorizer], [Sharer], [Idler]). It holds types only,
// and imports nothing of Vault and nothing of the engine but the addresses of
// providers/internal/upstream. Begin with [Provider]; a folder beside it holds each
// upstream, and package catalog lists them.
//
// A provider is a [Spec], which is data, and Validate, which sends a few read-only
// requests. A status of 200 proves nothing; a check succeeds only on the documented
// status, a JSON body and the field that names the account. Every other end is an
// [Error] with an [Outcome]: the credential is bad, it is good but not enough, or the
// check could not tell. Only a nil error may swap a stored credential, and "could not
// tell" must never mark one as bad.
//
// All requests go through providers/internal/upstream, which bounds time and size,
// follows no redirects and refuses addresses that the mount does not allow. Sources of
// upstream facts stand beside the code that relies on them; docs/providers.md lists what
// is unverified.
package providers
