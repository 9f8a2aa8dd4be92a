// Package finding is the only door to what checks found, health/<name> in storage. It knows
// values, storage and faults; a finding is changed by whoever holds it, under its lock.
// Begin with [Findings.Hold].
package finding
