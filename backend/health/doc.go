// Package health checks stored credentials, and says how each integration is and why. It
// asks the upstream, confirms a rejection by a second check before it counts, stores
// findings, and has access tokens refreshed; it replaces no credential. Begin with
// [Watch.Check]; settle, in watch.go, confirms, and health.go says why an integration is
// degraded.
package health
