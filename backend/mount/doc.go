// Package mount keeps the settings of the mount, and is the only one that can write them.
// It knows values and storage; others read the settings through an interface of their own
// that cannot write. Begin with [Settings].
package mount
