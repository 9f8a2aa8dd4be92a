// Package bench measures the engine beside Vault's own engines. It loads what it
// compares in turns, in slices so short that whatever else the machine does falls on
// all of them alike, and reports ratios. It imports nothing of the engine. Begin with [Plan].
//
// The package knows no Vault server: acceptance starts one and says what to load. The
// command in floor is the plugin that the engine is compared with: it does nothing.
package bench
