package providertest

import (
	"crypto/rand"
	"fmt"
)

// MadeUpID returns a random GUID.
func MadeUpID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return MadeUpGUID(fmt.Sprintf("%x", id))
}
