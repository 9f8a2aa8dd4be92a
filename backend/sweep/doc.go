// Package sweep does what is due without a request: checks, announcements of an expiry,
// rotations, and writes that storage has refused before. It decides when; packages health
// and swap do the work. Begin with [Sweep.Step]; schedule.go chooses which host is asked
// next.
package sweep
