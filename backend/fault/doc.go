// Package fault knows what goes wrong while nobody asks, and what storage did not take
// meanwhile. It knows values and errors of storage, and tells no more of an error than what
// is free of secrets. Begin with [Faults.Note]; [Backlog] is what waits.
package fault
