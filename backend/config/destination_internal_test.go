package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// A credential of a version for which a line break at the end of a text was part of where
// it leads stays usable; the next check notes the place as it is noted now.
func TestADestinationThatWasNotedWithItsLineBreak(t *testing.T) {
	r := integrations(&noted{}).Reader()
	in := func(url string) *backend.Integration {
		return &backend.Integration{Name: "app", ID: "1", Provider: "jira", AuthType: "api_key", Settings: providers.Settings{Texts: map[string]string{"url": url}}}
	}
	written, plain, other := in("https://jira.example.com\n"), in("https://jira.example.com"), in("https://other.example.com\n")
	require.Equal(t, r.Destination(written), r.Destination(plain))
	before := &backend.Stored{Binding: r.DestinationAsWritten(written)}
	require.NotEqual(t, r.Destination(written), before.Binding)
	assert.True(t, r.SameDestination(written, before))
	assert.False(t, r.SameDestination(other, before))

	taught := &backend.Stored{Binding: r.Destination(written)} // see credential.Lesson
	assert.True(t, r.SameDestination(plain, taught))
	assert.False(t, r.SameDestination(other, taught))
}
