// Package handout gives credentials to workers: of a pool the token with quota left, of an
// OAuth credential a token that lives, and takes their reports. It reads records through the
// door, and has tokens renewed by oauth. Begin with [Handouts.HandOut].
package handout
