// Package providers knows the upstreams: which settings and credential fields
// each has, and how to check a credential against it so that the answer can be
// believed.
//
// A provider is one file: a [Spec], which is data, and Validate, which sends a
// few read-only requests. A status of 200 proves nothing; a check succeeds only
// on the documented status, a JSON body and the field that names the account.
// Every other end is an [Error] with an [Outcome]: the credential is bad, it is
// good but not enough, or the check could not tell. Only a nil error may swap a
// stored credential, and "could not tell" must never mark one as bad.
//
// The package imports nothing of Vault. All requests go through
// providers/internal/upstream, which bounds time and size, follows no redirects
// and refuses addresses that the mount does not allow. Sources of upstream facts
// stand beside the code that relies on them; docs/providers.md lists what is
// unverified.
package providers
