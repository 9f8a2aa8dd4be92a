// Package harness is what the acceptance tests stand on: the built plugin in a real Vault
// server, alone or in a cluster, with the real vault CLI as client, and fake upstreams on
// loopback. It is for tests, and imports no package of the engine but the fakes and what
// they are made of. Begin with [Main], [StartDev] and [StartFakes].
//
// The server is found by scripts/vault.sh. Without one the tests are skipped,
// unless SEI_ACCEPTANCE=required, as make test sets it: then one is built, and
// without one the tests fail. make test leaves some of them to make check: see
// internal/layer.
//
// Each package of tests is a process of its own, and several may run side by side: they
// share one build of the plugin, have ports of their own, and each ends with the search of
// package evidence.
package harness
