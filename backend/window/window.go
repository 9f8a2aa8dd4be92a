package window

import (
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/rotation"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/providers"
)

// latestBegin is how long before the end of a credential a window must begin to be waited
// for: what fails then is tried once or twice more.
const latestBegin = time.Hour

// Window is when a credential may be rotated by itself: for a while from each time of a
// schedule on. The times are UTC. The zero value is always open.
type Window struct {
	times  interface{ Next(time.Time) time.Time }
	length time.Duration // 0 for as long as it takes
}

// Of reads the window in the settings of an integration, in the terms of Vault's own
// engines: rotation_schedule and rotation_window. The error is a refusal.
func Of(s providers.Settings) (Window, error) {
	schedule, seconds := s.Text("rotation_schedule"), s.Number("rotation_window")
	switch {
	case schedule == "" && seconds == 0:
		return Window{}, nil
	case schedule == "":
		return Window{}, noWindow("rotation_window", "rotation_window begins at the times of rotation_schedule; set that too, or rotation_window to 0")
	case seconds != 0 && rotation.DefaultScheduler.ValidateRotationWindow(int(seconds)) != nil:
		return Window{}, noWindow("rotation_window", "rotation_window must be at least 1 hour (3600), or 0 for as long as it takes")
	case strings.Contains(schedule, "="): // the parser ignores a zone, or breaks off at one
		return Window{}, noWindow("rotation_schedule", "rotation_schedule takes no time zone: its times are UTC")
	}
	times, err := rotation.DefaultScheduler.Parse(schedule)
	if err != nil { // it quotes the value
		return Window{}, noWindow("rotation_schedule", "rotation_schedule must be the five fields of cron (minute, hour, day of month, month, day of week), such as 0 2 * * SUN for Sundays at 02:00 UTC; how long after that it may still happen is rotation_window")
	}
	if times.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Window{}, noWindow("rotation_schedule", "rotation_schedule never comes: there is no such day")
	}
	return Window{times: times, length: time.Duration(seconds) * time.Second}, nil
}

func noWindow(field, message string) error {
	return &backend.Error{Code: backend.CodeInvalidField, Fields: []string{field}, Message: message}
}

// Next returns when a credential is rotated that is due at a moment, and not while it rests
// after a failure: in the first window from then on, or from now on if those before were
// missed. A window that ends with its success goes on after the rest. Where none begins in
// time before the credential's end it does not wait for one: outside says so. A moment that
// has passed means now.
func (w Window) Next(due, rest, end, now time.Time) (next time.Time, outside bool) {
	at := laterOf(due, rest)
	if w.times == nil {
		return at, false
	}
	from := laterOf(at, now)
	begin := w.begin(due.UTC(), from.UTC())
	if begin.After(from) && begin.After(end.Add(-latestBegin)) {
		return at, true
	}
	return laterOf(at, begin), false
}

// begin is when the first window begins that is open at a moment or later, for what is due
// at another.
func (w Window) begin(due, from time.Time) time.Time {
	since := from.Add(-w.length) // one that began after that is still open
	if w.length == 0 {
		since = due.Add(-1) // it is open until the credential was rotated
	}
	if begin := w.times.Next(since); !begin.IsZero() {
		return begin
	}
	return from.AddDate(5, 0, 0) // as far as the schedule looks
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
