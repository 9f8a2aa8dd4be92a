// Package ask puts questions to providers and believes no more of their answers than it
// should: no secret that comes back, no end that cannot be, no panic. It knows values and
// providers, and no storage. Begin with [GuardedValidate] and [KeepSecret].
package ask
