// Package backend keeps integrations and their credentials: records, storage,
// cache, locks and the swap. It knows nothing of Vault's request framework and
// sends nothing itself; providers do.
//
// An integration has two records. integrations/<name> is its configuration and
// never holds a credential; credentials/<id> is the credential with its version
// and history. A re-authentication is one Put of the second record, so a crash
// at any moment leaves the old credential or the new one. The code that swaps,
// [Credentials], has no table of integrations/, and reads configuration through an
// interface that cannot write it.
//
// What tables store is an object in JSON. In every version, a secret of an integration or
// a credential stands under secrets, under fields, or under something_fields beside the
// something that it belongs to; nothing else is secret. (An open authorization has its
// verifier, and is gone in ten minutes.) So a version that does not know something still
// knows what to erase. Tables keep fields that they do not know; see unknown.
//
// Every change goes through one function: lock, load, edit, check, save. The
// lock is per record, gives up with the context, and is held across the check at
// the upstream. Readers take no lock: they are served from a cache of immutable
// values, which is published after the Put and never before.
package backend
