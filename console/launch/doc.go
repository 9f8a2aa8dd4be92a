// Package launch opens the person's browser at an address that nobody else may learn: what
// programs are started with can be read by every user of a machine, so the browser is given
// the name of a file that only its user can read, and that leads to the address. It knows
// nothing of what is there. Begin with [Browser].
package launch
