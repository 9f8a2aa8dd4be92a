// Package vaultapi talks to Vault as the vault command does: the address, the namespace, the
// authority and the limits are those of the environment, and the token is that of the
// environment or of the token helper. It keeps nothing of an answer, writes nothing to a log,
// and knows nothing of the engine. Begin with [New].
package vaultapi
