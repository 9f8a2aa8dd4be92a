// Package fingerprint names secrets without revealing them, by a key of the mount and a
// salt of the record. It knows values, and reads and writes nothing but its key. Begin
// with [Fingerprints.Of].
package fingerprint
