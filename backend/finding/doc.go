// Package finding keeps what checks found, health/<name> in storage; nothing else can
// change it. It knows values, storage and faults, and a finding is changed under its lock
// only. Begin with [Findings.Hold].
package finding
