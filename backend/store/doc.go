// Package store keeps records of one kind in Vault's storage, with a cache of immutable
// values over them, and locks them by name. It knows only what storage is, and nothing of
// what is stored. Begin with [Table]; [Locks] says who waits for whom, [Unknown] what
// becomes of fields that a newer version wrote.
package store
