// Package config keeps integrations, integrations/<name> in storage, and knows which of
// them share a credential. It knows values, storage, findings and fingerprints; of
// credential records it can only do what moving or deleting an integration needs. Begin
// with [Integrations.Write]; all other rooms get a [Reader], which cannot write.
package config
