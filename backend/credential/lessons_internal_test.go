package credential

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// However many checks are told something that is not stored, it takes no more memory than
// one that was told all of it; and an answer that comes late replaces none of a later check.
func TestWhatIsNotStoredIsBounded(t *testing.T) {
	wrong := fault.New(time.Now)
	l := NewLessons(fault.NewBacklog(wrong))
	heard := func(turn uint64, tokens ...string) *Lesson {
		told := map[string]providers.Verified{}
		for _, token := range tokens {
			told[token] = providers.Verified{Identity: fmt.Sprint(turn)}
		}
		return &Lesson{ID: "a", Turn: turn, Told: told}
	}
	tell := func(x *Lesson) { l.postpone("a", l.offer(x), errors.New("full")) }
	known := func() map[string]string {
		all := map[string]string{}
		for _, x := range l.unstored("a") {
			for token, v := range x.Told {
				assert.NotContains(t, all, token, "it is told twice")
				all[token] = v.Identity
			}
		}
		return all
	}
	for turn := uint64(10); turn < 1000; turn += 2 {
		tell(heard(turn, "one", "two"))
		tell(heard(turn+1, "two"))
	}
	assert.Len(t, l.unstored("a"), 2)
	assert.Equal(t, map[string]string{"one": "998", "two": "999"}, known())
	tell(heard(1, "one", "three"))
	assert.Equal(t, map[string]string{"one": "998", "two": "999", "three": "1"}, known())

	first := l.offer(heard(1, "one", "three"))
	tell(heard(1000, "two"))
	l.stored("a", first)
	assert.Equal(t, map[string]string{"two": "1000"}, known(), "which came while the others were stored")
	l.prune(map[string]bool{})
	assert.Len(t, l.unstored("a"), 1, "the list may be older than the record")
	l.stored("a", l.offer(heard(1001, "two")))
	assert.Empty(t, l.unsaved)
	assert.False(t, l.waits.Load())
	assert.Empty(t, wrong.All(""))
	l.prune(map[string]bool{})
	assert.Empty(t, l.newest)
}

// A check of an earlier credential that began later tells nothing of the one in use.
func TestALaterLessonOfAnotherCredentialOvertakesNone(t *testing.T) {
	l := NewLessons(fault.NewBacklog(fault.New(time.Now)))
	told := map[string]providers.Verified{"": {Identity: "mia"}}
	l.postpone("a", l.offer(&Lesson{ID: "a", Turn: 1, Version: 2, Told: told}), errors.New("full"))
	outdated := l.offer(&Lesson{ID: "a", Turn: 2, Version: 1, Told: told})
	assert.Len(t, outdated, 2)
	l.postpone("a", l.offer(&Lesson{ID: "a", Turn: 3, Version: 1, Told: told}), errors.New("full"))
	record := &backend.Record{Version: 2, Current: &backend.Stored{Identity: "mia", URL: "x"}}
	assert.NotSame(t, record, l.unstored("a").taught(record))
	assert.Len(t, l.unstored("a"), 2)
}
