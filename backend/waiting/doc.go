// Package waiting lets reads of creds/ wait until another credential would be handed out.
// A change of what is read rings, once that can be read; a read that waits then reads
// again, the same way as any other, so that no answer is older than a plain read's. While
// nothing is rung, those that wait cost nothing: no lock, no storage, no turn of the
// processor. It touches no storage, and writes nothing. Begin with
// [Waiting.HandOut]; bells.go says who is woken.
package waiting
