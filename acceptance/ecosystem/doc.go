// Package ecosystem has the acceptance tests of what stands around the engine: the documents
// and their commands, the scripts, the release, the examples and policies, and the programs
// of others that use it, such as Terraform, Kubernetes manifests, Vault Agent, Prometheus
// and the API explorer. It imports the harness, and no other package of acceptance
// tests. Begin with TestReadmeSession.
package ecosystem
