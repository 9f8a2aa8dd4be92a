// Package input reads what a request sends, and refuses what is not exactly what its path
// takes: an unknown or misplaced field, a value of another type, a credential with
// something pasted around it. It touches the types of backend and providers only: it knows
// neither Vault's framework nor storage, sends nothing, and quotes no value in an error.
// Begin with [Vocabulary] and [Vocabulary.Entry], which reads a credential.
package input
