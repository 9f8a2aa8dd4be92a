// Package github describes GitHub and GitHub Actions, which take the same tokens, and
// checks the credentials for it. It imports packages providers, probe and upstream, and
// no other upstream. Begin with Spec and Validate in github.go. A pool of tokens is
// checked in pool.go.
package github
