package backend

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
)

// A credential of a version for which a line break at the end of a text was part of where
// it leads stays usable; the next check notes the place as it is noted now.
func TestAHomeThatWasNotedWithItsLineBreak(t *testing.T) {
	b := New(&logical.InmemStorage{}, catalog.All("test"), time.Now, func(context.Context, Event) {})
	in := func(url string) *Integration {
		return &Integration{Name: "app", ID: "1", Provider: "jira", AuthType: "api_key", Settings: providers.Settings{Texts: map[string]string{"url": url}}}
	}
	written, plain, other := in("https://jira.example.com\n"), in("https://jira.example.com"), in("https://other.example.com\n")
	groups := b.Integrations.groups
	require.Equal(t, groups.home(written), groups.home(plain))
	record := &Record{Version: 1, Current: &Stored{
		Credential: secrets("email", "ada@example.com", "api_key", "key-1"), Fingerprint: "a",
		Binding: groups.homeBy(written, providers.Settings.Value),
	}}
	assert.NoError(t, b.Credentials.MayLeave(written, record))
	assert.Error(t, b.Credentials.MayLeave(other, record))

	l := &lesson{in: written, id: "app", home: groups.home(written), version: 1, fingerprint: "a", told: map[string]providers.Verified{"": {}}}
	taught := l.taught(record)
	assert.NoError(t, b.Credentials.MayLeave(plain, taught))
	assert.Error(t, b.Credentials.MayLeave(other, taught))
	assert.Same(t, taught, l.taught(taught), "nothing is written again")
}

// So does the one before it, which there is to go back to: when the line break is taken
// away it is where it was.
func TestAHomeOfTheOneBeforeThatWasNotedWithItsLineBreak(t *testing.T) {
	b := New(&logical.InmemStorage{}, catalog.All("test"), time.Now, func(context.Context, Event) {})
	in := func(url string) *Integration {
		return &Integration{Name: "app", ID: "1", Provider: "jira", AuthType: "api_key", Settings: providers.Settings{Texts: map[string]string{"url": url}}}
	}
	written, plain, other := in("https://jira.example.com\n"), in("https://jira.example.com"), in("https://other.example.com\n")
	groups := b.Integrations.groups
	stored := func(mark, binding string) *Stored {
		return &Stored{Credential: secrets("email", "ada@example.com", "api_key", mark), Fingerprint: mark, Binding: binding}
	}
	l := &lesson{
		in: written, id: "app", home: groups.home(written), written: groups.homeBy(written, providers.Settings.Value),
		version: 2, fingerprint: "a", told: map[string]providers.Verified{"": {}},
	}
	for what, current := range map[string]string{"both are of that version": l.written, "it was replaced since": l.home} {
		record := &Record{Version: 2, Current: stored("a", current), Previous: stored("b", l.written), PreviousUntil: then()}
		taught := l.taught(record)
		assert.True(t, groups.houses(plain, taught.Previous), what)
		assert.False(t, groups.houses(other, taught.Previous), what)
		assert.Equal(t, then(), taught.PreviousUntil, what)
		assert.Equal(t, l.written, record.Previous.Binding, "the record before is immutable")
		assert.Same(t, taught, l.taught(taught), "nothing is written again")
	}
	for what, binding := range map[string]string{"of another place": groups.homeBy(other, providers.Settings.Value), "of before there were homes": ""} {
		record := &Record{Version: 2, Current: stored("a", l.written), Previous: stored("b", binding)}
		assert.Equal(t, binding, l.taught(record).Previous.Binding, what)
	}
}
