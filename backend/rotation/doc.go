// Package rotation has upstreams issue the successors of credentials, and completes
// rotations that were interrupted. It changes records through package credential alone,
// and keeps a note of each rotation, rotating/<id>, from before the upstream is asked.
// Begin with [Rotations.Rotate] and [Rotations.Resume].
//
// How far a rotation has come is read off its note and the record:
//
//	stage      note and record                           what is done next
//	begun      no successor in the note                  ask what became of it; the note goes, or the credential is lost
//	made       a successor, and the version it replaces  swap it in; without overlap before it is checked
//	used       the successor is the credential in use    note what it replaced, and finish
//	finishing  the note has a FinishAt                   from then on remove upstream what was replaced
//	overtaken  another credential is in use by now       finish if the successor was ever used, else give it up
package rotation
