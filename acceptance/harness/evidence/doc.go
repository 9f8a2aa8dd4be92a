// Package evidence keeps what the servers of a run of tests leave behind, and judges it at
// the end: no secret that was used may be in any of it, and every answer must be what the
// engine's OpenAPI document says. It is for tests, and imports of the engine only the
// catalog, which says what fields are secret; package canary does the search. Begin with [Run] and [Record].
package evidence
