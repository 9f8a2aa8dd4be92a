// Package ask calls providers, and checks what they return: it removes a secret that comes
// back in an answer, ignores an expiry that is impossible, and turns a panic into an
// error. It knows values and providers, and no storage. Begin with [GuardedValidate] and
// [KeepSecret].
package ask
