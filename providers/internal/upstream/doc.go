// Package upstream is the only HTTP client of the engine. It imports nothing of the engine,
// and knows no provider. Begin with [Client.Do] and [Route].
//
// It is made for sending a credential to the one host that should see it: it
// follows no redirect, keeps no cookie, speaks TLS 1.2 or newer with no way to
// switch verification off, reads at most 1 MiB of an answer, ignores the proxy
// variables of the environment, and refuses addresses that the mount does not
// allow, judged on what a name resolved to at the moment of dialling. Its errors
// are sentences of its own; nothing an upstream sent is quoted in them.
package upstream
