// Package handout gives credentials to workers, and takes their reports: for a pool the
// token with quota left, for an OAuth credential an access token that is still valid. It
// reads records through package credential, and has access tokens refreshed by package
// oauth. Begin with [Handouts.HandOut].
package handout
