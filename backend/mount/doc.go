// Package mount keeps the settings of the mount; nothing else can write them. It knows
// values and storage, and others read the settings through interfaces that cannot write.
// Begin with [Settings].
package mount
