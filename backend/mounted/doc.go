// Package mounted builds the rooms of one mount and connects them; it has no logic of its
// own. It imports all rooms of backend, and only the root imports it. Begin with [New].
package mounted
