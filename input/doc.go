// Package input reads the data of a request strictly: it refuses an unknown or misplaced
// field, a value of the wrong type, and a credential with something pasted around it. It
// touches the types of backend and providers only: it knows neither Vault's framework nor
// storage, sends nothing, and quotes no value in an error. Begin with [Vocabulary] and
// [Vocabulary.Entry], which reads a credential; [Vocabulary.Draft] reads settings.
package input
