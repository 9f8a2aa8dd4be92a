// Package probe is what the checks of all providers share: one check under way, the
// requests that it sends, and the judgement of what means the same from every upstream.
// It imports package providers and the HTTP client, and knows no upstream by name. Begin
// with [Probe] and [Probe.Undecided].
package probe
