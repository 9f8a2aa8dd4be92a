// Command live tries the checks of one provider on the real upstream:
//
//	live PROVIDER VERSION
//
// What to try comes from the environment, in variables that begin with SEI_LIVE_; what
// they are, docs/live.md says. The command sends a good credential, the same one with a
// sign changed, and the ones that are said to be expired or to lack a right, each through
// the provider's own check, and asks no address but those that the environment names. It
// prints how each check ended and how it should have, and the upstream's answers with
// everything that could be secret or personal replaced. It exits 0 only if every check
// ended as it should.
//
// Run by make live.
package main
