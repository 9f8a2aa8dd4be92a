// Package mounted puts the parts of one mount together, and holds nothing else. It knows
// all rooms of backend, and nobody but the engine knows it. Begin with [New].
package mounted
