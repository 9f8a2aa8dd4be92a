// Package histories records what clients asked of a credential record and what they were
// told, and checks whether all of it could have come from one record that does one thing at
// a time: whether the history is linearizable. The search is porcupine's; the package gives it
// the model of a record, and turns writes without an answer, and changes that the engine made
// by itself, into operations that porcupine can order.
//
// A credential is a label: a number, or the fingerprint that the engine answers with. No
// secret gets here. It is for tests, and imports nothing of the engine. Begin with [Recorder],
// then [Check].
package histories
