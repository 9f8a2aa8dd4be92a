package credential

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// A check notes the place where the credential was asked about as it is noted now, once.
func TestALessonNotesTheDestinationAsItIsNotedNow(t *testing.T) {
	record := &backend.Record{Version: 1, Current: &backend.Stored{Fingerprint: "a", Binding: "as-it-was-noted-then"}}
	l := &Lesson{In: &backend.Integration{Name: "app"}, ID: "app", Destination: "destination", Version: 1, Fingerprint: "a", Told: map[string]providers.Verified{"": {}}}
	taught := l.taught(record)
	assert.Equal(t, "destination", taught.Current.Binding)
	assert.Same(t, taught, l.taught(taught), "nothing is written again")
}

// The credential before the one in use stays bound to where it was, also when the line break is
// taken away with which its destination was noted.
func TestADestinationOfTheOneBeforeThatWasNotedWithItsLineBreak(t *testing.T) {
	until := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	stored := func(mark, binding string) *backend.Stored {
		return &backend.Stored{Fingerprint: mark, Binding: binding}
	}
	l := &Lesson{
		In: &backend.Integration{Name: "app", ID: "1"}, ID: "app", Destination: "destination", DestinationAsWritten: "written",
		Version: 2, Fingerprint: "a", Told: map[string]providers.Verified{"": {}},
	}
	for what, current := range map[string]string{"both are of that version": l.DestinationAsWritten, "it was replaced since": l.Destination} {
		record := &backend.Record{Version: 2, Current: stored("a", current), Previous: stored("b", l.DestinationAsWritten), PreviousUntil: until}
		taught := l.taught(record)
		assert.Equal(t, l.Destination, taught.Previous.Binding, what)
		assert.Equal(t, until, taught.PreviousUntil, what)
		assert.Equal(t, l.DestinationAsWritten, record.Previous.Binding, "the record before is immutable")
		assert.Same(t, taught, l.taught(taught), "nothing is written again")
	}
	for what, binding := range map[string]string{"of another place": "elsewhere", "of before there were destinations": ""} {
		record := &backend.Record{Version: 2, Current: stored("a", l.DestinationAsWritten), Previous: stored("b", binding)}
		assert.Equal(t, binding, l.taught(record).Previous.Binding, what)
	}
}
