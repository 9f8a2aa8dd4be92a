// Package backend has the values that integrations and their credentials are made of, and
// how they are stored. The packages in its folders do the work; none of them knows anything of
// Vault's request framework or sends anything itself: providers do. Begin with [Record],
// and with package credential for how one changes.
//
// An integration has two records. integrations/<name> is its configuration and
// never holds a credential; credentials/<id> is the credential with its version
// and history. A re-authentication is one Put of the second record, so a crash
// at any moment leaves the old credential or the new one. The code that swaps has no table
// of integrations/, and reads configuration through an interface that cannot write it.
//
// What tables store is an object in JSON. In every version, a secret of an integration or
// a credential stands under secrets, under fields, or under something_fields beside the
// something that it belongs to; nothing else is secret. (An open authorization has its
// verifier, and is gone in ten minutes.) So a version that does not know something still
// knows what to erase. Tables keep fields that they do not know; see store.Unknown.
//
// Every change of a credential goes through one function: lock, load, edit, check, save.
// Beside it a record is only added to (credential.Held.NoteFound and NoteRefresh, which have
// no way to replace a credential) and carried to another key without a credential
// (credential.Records.Carry). The lock is per record, gives up with the context, and is held
// across the check at the upstream. Readers take no lock: they are served from a cache of
// immutable values, which is published after the Put and never before.
package backend
