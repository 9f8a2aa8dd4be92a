// Package host runs the built plugin as Vault does, without a Vault: it starts the
// program through go-plugin, speaks gRPC with it over mutual TLS, serves several mounts
// by one process, and gives each mount a storage in memory. It is for tests and scripts, and
// imports nothing of the engine. Begin with [Register] and [Host].
//
// It is not a Vault. It knows no tokens, policies, audit or namespaces, and what it
// stores is gone when it ends. It is there for a first look at the engine (make try) and
// for fast tests of the protocol between Vault and the plugin.
package host
