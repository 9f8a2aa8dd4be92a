// Package config keeps integrations, integrations/<name> in storage, and knows which of them
// share a credential. It knows values, storage, findings and fingerprints; of credential
// records it can do what a move of an integration needs, and no more. Begin with
// [Integrations.Write]; [Reader] is what everybody else gets, and cannot write.
package config
