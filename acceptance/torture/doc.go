// Package torture has the acceptance tests of what breaks and of what happens at once:
// plugins, servers and leaders killed under load, a full disk, an upgrade under load, and
// many writers of one credential. Nothing acknowledged may be lost, and nothing mixed up. It
// imports the harness, and no other package of acceptance tests. Begin with TestTorture.
package torture
