package providers

import (
	"fmt"
	"runtime/debug"
)

// Panic is what can be told of a panic: what was panicked with may quote a secret, its
// type and the addresses of the stack do not.
type Panic struct{ Type, Stack string }

// Panicked describes what recover returned. Call it where that was recovered.
func Panicked(cause any) *Panic {
	return &Panic{Type: fmt.Sprintf("%T", cause), Stack: string(debug.Stack())}
}
