// Package health judges credentials and tells what is known of them. It asks the upstream,
// a rejection once more before it counts, writes findings, and has access tokens renewed; it
// swaps nothing. Begin with [Watch.Check] and settle in watch.go, which confirms; health.go
// says why an integration is degraded.
package health
