// Package credential alone changes credential records, credentials/<id> in storage: lock,
// load, edit, check, save. It reads configuration through [Configurations], which cannot
// write, and knows findings, quotas and fingerprints. Begin with [Door.Lock] and
// [Held.Edit]; check.go asks the upstream, and lesson.go has what later checks add to a
// record.
package credential
