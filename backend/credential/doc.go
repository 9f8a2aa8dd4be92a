// Package credential is the only door to credential records, credentials/<id> in storage:
// lock, load, edit, check, save. It reads configuration through [Configurations], which has
// no way to write it, and knows findings, quotas and fingerprints. Begin with [Door.Lock]
// and [Held.Edit]; check.go asks the upstream, lesson.go is what later checks teach.
package credential
