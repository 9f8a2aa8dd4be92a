// Package window says when a credential may be rotated by itself, in the terms of Vault's own
// engines and with their parser: a schedule of cron, and how long after each of its times it
// may still happen. It is made of settings, and touches nothing.
// Begin with [Of] and [Window.Next].
package window
