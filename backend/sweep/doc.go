// Package sweep does what is due without a request: checks, announcements, rotations, and
// what storage did not take. It decides when, and lets health and swap do it. Begin with
// [Sweep.Step]; schedule.go says which host is asked next.
package sweep
