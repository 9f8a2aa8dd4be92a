package page

import (
	"fmt"
	"time"
)

// StatusTitle is a status in words.
func StatusTitle(status string) string {
	words := map[string]string{
		"needs_reauth": "Needs re-authentication", "degraded": "Degraded", "expiring": "Expiring", "unreachable": "Unreachable",
		"healthy": "Healthy", "not_checked": "Not checked",
	}
	if title, ok := words[status]; ok {
		return title
	}
	return status
}

// causeTitle is the cause of a swap in words.
func causeTitle(cause string) string {
	words := map[string]string{
		"reauth": "Re-authenticated", "rotate": "Rotated", "refresh": "Access token renewed", "rollback": "Rolled back",
		"forget": "Forgotten", "oauth": "Re-authenticated by consent",
	}
	if title, ok := words[cause]; ok {
		return title
	}
	return cause
}

// advice is what to do about a status where the engine's own sentence leaves it open.
func advice(status string) string {
	return map[string]string{
		"needs_reauth": "Enter a new credential.",
		"degraded":     "It works in part. Enter a credential that has what is missing.",
		"expiring":     "Enter a new credential before this one ends.",
		"unreachable":  "The last check got no clear answer. The credential is not blamed for it; check again later.",
		"not_checked":  "This way to authenticate is not checked here.",
	}[status]
}

// at is a moment for a machine and in full.
func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// day is a moment for a person.
func day(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// far says how far away a moment is.
func far(t, now time.Time) string {
	d := t.Sub(now)
	if d < 0 {
		return span(-d) + " ago"
	}
	return "in " + span(d)
}

func span(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{365 * day, "year"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.of); n == 1 {
			return "1 " + unit.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "less than a minute"
}
