// Package fault keeps the errors of work that no request waits for, and a list of the
// writes that storage has refused so far. It knows values and errors of storage, and shows
// of an error only what cannot hold a secret. Begin with [Faults.Note] for errors, and
// with [Backlog] for writes.
package fault
