// Package stories has the acceptance tests of what people and programs see of the engine in
// a real Vault: each behaviour as it is used, and what must hold of all of them. It imports
// the harness, and no other package of acceptance tests. Begin with TestStories, and with
// commands, which lists what a script can do beside running programs.
//
// The stories are scripts in testdata: those in testdata/dev share one
// development server and have a mount each; those in testdata/raft have a
// server with storage on disk to themselves, which they restart, seal and kill;
// those in testdata/browser are told by a real browser.
package stories
