// Package store keeps records of one kind in Vault's storage, with a cache of immutable
// values over them, and locks records by name. It knows Vault's storage, and nothing of
// what is stored. Begin with [Table]; [Locks] says who waits for whom, and [Unknown] what
// happens to fields that a newer version wrote.
package store
