package mounted_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend/config"
	"vault-plugin-secrets-sei/backend/credential"
	"vault-plugin-secrets-sei/backend/health"
)

// Whoever swaps or checks credentials cannot write configuration, by types: neither what
// they ask of it nor what they are given has a way to.
func TestNobodyWhoReadsConfigurationCanWriteIt(t *testing.T) {
	reads := map[string]bool{
		"Read": true, "ReadExact": true, "List": true, "Cached": true, "Version": true, "Provider": true, "Spec": true, "RecordID": true,
		"Subject": true, "Destination": true, "DestinationAsWritten": true, "SameDestination": true, "Siblings": true, "Host": true,
	}
	for _, kind := range []reflect.Type{
		reflect.TypeFor[*config.Reader](), reflect.TypeFor[credential.Configurations](), reflect.TypeFor[health.Configuration](),
	} {
		for i := range kind.NumMethod() {
			assert.True(t, reads[kind.Method(i).Name], "%s.%s: does it write?", kind, kind.Method(i).Name)
		}
	}
}
