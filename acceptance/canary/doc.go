// Package canary finds secrets where they must not be. It is for tests, and imports nothing
// of the engine. Begin with [Set].
//
// A test that has to show that nothing leaks puts the secrets that it uses into a set,
// and searches what was written for all of them at once, in all the forms in which
// they can be written down. What is found is told by kind, form and place, and never
// by value, so that a report does not spread what it reports.
package canary
