// Package engine is what the secrets engine of one mount answers, as values, and the paths at
// which it is asked: health, configuration, forms, history, targets. It asks through package
// vaultapi, never for a credential, and knows of providers and fields only what the engine
// describes. Begin with [Mount].
package engine
