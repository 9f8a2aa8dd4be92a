package window_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/window"
	"vault-plugin-secrets-sei/providers"
)

// scheduled is settings with a window.
func scheduled(schedule string, seconds int64) providers.Settings {
	return providers.Settings{
		Texts:   map[string]string{"rotation_schedule": schedule},
		Numbers: map[string]int64{"rotation_window": seconds},
	}
}

// When is a moment of January 2027, which begins on a Friday.
func when(day, hour, minute int) time.Time {
	return time.Date(2027, 1, day, hour, minute, 0, 0, time.UTC)
}

func TestTheNextMomentInAWindow(t *testing.T) {
	const hour, sundays = 3600, "0 2 * * SUN" // the 3rd, 10th, 17th, 24th, 31st
	for name, c := range map[string]struct {
		schedule string
		seconds  int64
		due      time.Time
		end      time.Time // of the credential
		now      time.Time
		want     time.Time
		outside  bool
	}{
		"no schedule":                  {"", 0, when(5, 1, 0), when(30, 0, 0), when(1, 0, 0), when(5, 1, 0), false},
		"between windows":              {sundays, 2 * hour, when(5, 1, 0), when(30, 0, 0), when(1, 0, 0), when(10, 2, 0), false},
		"in an open window":            {sundays, 2 * hour, when(3, 3, 30), when(30, 0, 0), when(1, 0, 0), when(3, 3, 30), false},
		"as a window begins":           {sundays, 2 * hour, when(3, 2, 0), when(30, 0, 0), when(1, 0, 0), when(3, 2, 0), false},
		"as a window ends":             {sundays, 2 * hour, when(3, 4, 0), when(30, 0, 0), when(1, 0, 0), when(10, 2, 0), false},
		"due for days, in a window":    {sundays, 2 * hour, when(5, 1, 0), when(30, 0, 0), when(10, 3, 0), when(10, 2, 0), false},
		"due for days, window missed":  {sundays, 2 * hour, when(5, 1, 0), when(30, 0, 0), when(10, 4, 0), when(17, 2, 0), false},
		"no window before the end":     {sundays, 2 * hour, when(5, 1, 0), when(9, 0, 0), when(1, 0, 0), when(5, 1, 0), true},
		"a window at the end":          {sundays, 2 * hour, when(5, 1, 0), when(10, 2, 0), when(1, 0, 0), when(5, 1, 0), true},
		"a window just before the end": {sundays, 2 * hour, when(5, 1, 0), when(10, 2, 59), when(1, 0, 0), when(5, 1, 0), true},
		"a window before the end":      {sundays, 2 * hour, when(5, 1, 0), when(10, 3, 0), when(1, 0, 0), when(10, 2, 0), false},
		"the last window is missed":    {sundays, 2 * hour, when(5, 1, 0), when(12, 0, 0), when(10, 4, 0), when(5, 1, 0), true},
		"it has ended":                 {sundays, 2 * hour, when(5, 1, 0), when(9, 0, 0), when(11, 0, 0), when(5, 1, 0), true},
		"it ends in the open window":   {sundays, 2 * hour, when(3, 2, 30), when(3, 3, 0), when(1, 0, 0), when(3, 2, 30), false},
		"schedule alone":               {sundays, 0, when(5, 1, 0), when(30, 0, 0), when(1, 0, 0), when(10, 2, 0), false},
		"schedule alone, later":        {sundays, 0, when(5, 1, 0), when(30, 0, 0), when(13, 0, 0), when(10, 2, 0), false},
		"schedule alone, at once":      {sundays, 0, when(3, 2, 0), when(30, 0, 0), when(1, 0, 0), when(3, 2, 0), false},
		"always open":                  {"0 * * * *", 2 * hour, when(5, 1, 17), when(30, 0, 0), when(1, 0, 0), when(5, 1, 17), false},
		"another clock's zone":         {sundays, 2 * hour, when(5, 1, 0).In(time.FixedZone("", 9*hour)), when(30, 0, 0), when(1, 0, 0), when(10, 2, 0), false},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := window.Of(scheduled(c.schedule, c.seconds))
			require.NoError(t, err)
			got, outside := w.Next(c.due, time.Time{}, c.end, c.now)
			assert.True(t, c.want.Equal(got), "%s", got)
			assert.Equal(t, c.outside, outside)
		})
	}
}

// What failed and rests goes on where it may: with a schedule alone as soon as it has rested, with
// a window in the same one or the next.
func TestTheNextMomentAfterARest(t *testing.T) {
	for name, c := range map[string]struct {
		schedule  string
		seconds   int64
		rest, end time.Time
		want      time.Time
		outside   bool
	}{
		"no schedule":                {"", 0, when(24, 2, 15), when(31, 3, 0), when(24, 2, 15), false},
		"schedule alone":             {"0 2 * * SUN", 0, when(24, 2, 15), when(31, 3, 0), when(24, 2, 15), false},
		"schedule alone, in days":    {"0 2 * * SUN", 0, when(26, 14, 0), when(31, 3, 0), when(26, 14, 0), false},
		"rested before it began":     {"0 2 * * SUN", 0, when(23, 5, 0), when(31, 3, 0), when(24, 2, 0), false},
		"within the window":          {"0 2 * * SUN", 7200, when(24, 2, 15), when(31, 3, 0), when(24, 2, 15), false},
		"rests until the window end": {"0 2 * * SUN", 7200, when(24, 4, 0), when(31, 4, 0), when(31, 2, 0), false},
		"no window after it":         {"0 2 * * SUN", 7200, when(24, 4, 0), when(31, 2, 0), when(24, 4, 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := window.Of(scheduled(c.schedule, c.seconds))
			require.NoError(t, err)
			got, outside := w.Next(when(22, 0, 0), c.rest, c.end, when(22, 1, 0))
			assert.True(t, c.want.Equal(got), "%s", got)
			assert.Equal(t, c.outside, outside)
		})
	}
}

// What is no window is refused by the setting's name, and the value is not quoted: somebody
// may have pasted a secret into the wrong field.
func TestNoWindow(t *testing.T) {
	const canary = "glpat-canary"
	for name, c := range map[string]struct {
		schedule string
		seconds  int64
		field    string
		says     string
	}{
		"not cron":             {canary, 7200, "rotation_schedule", "minute, hour, day of month, month, day of week"},
		"a window as people":   {"Sun 02:00-04:00 UTC", 7200, "rotation_schedule", "0 2 * * SUN"},
		"seconds":              {"0 0 2 * * SUN", 7200, "rotation_schedule", "five fields"},
		"a name":               {"@weekly", 7200, "rotation_schedule", "five fields"},
		"out of range":         {"61 2 * * SUN", 7200, "rotation_schedule", "five fields"},
		"a zone":               {"CRON_TZ=Asia/Tokyo 0 2 * * SUN", 7200, "rotation_schedule", "UTC"},
		"a zone alone":         {"TZ=UTC", 7200, "rotation_schedule", "UTC"},
		"never":                {"0 2 30 2 *", 7200, "rotation_schedule", "no such day"},
		"too short":            {"0 2 * * SUN", 3599, "rotation_window", "at least 1 hour (3600)"},
		"no schedule":          {"", 7200, "rotation_window", "rotation_schedule"},
		"no schedule, a break": {"\n", 7200, "rotation_window", "rotation_schedule"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := window.Of(scheduled(c.schedule, c.seconds))
			var refused *backend.Error
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, backend.CodeInvalidField, refused.Code)
			assert.Equal(t, []string{c.field}, refused.Fields)
			assert.Contains(t, refused.Message, c.says)
			assert.NotContains(t, refused.Message, canary)
		})
	}
}
