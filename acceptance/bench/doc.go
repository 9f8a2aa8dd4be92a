// Package bench measures the engine in a real Vault beside Vault's own engines, and demands
// what docs/performance.md promises. What loads the server and makes the report is the
// package bench of the module's root. It imports the harness, and no other package of
// acceptance tests. Begin with TestBench, which make bench runs.
package bench
