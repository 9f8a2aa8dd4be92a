package probe

import (
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers"
)

// Day is what the lives of tokens are counted in.
const Day = 24 * time.Hour

// End is t in UTC, or the zero time where its year has not four digits: JSON
// cannot hold such a time, and an offset can make one of 9999-12-31.
func End(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > providers.LastYear {
		return time.Time{}
	}
	return t
}

// ParseEnd reads an end whose layout has an offset; the zero time is one that cannot be
// read. No place is further than 14 hours from UTC, so another offset has no meaning.
func ParseEnd(layout, text string) time.Time {
	const furthest = 14 * 60 * 60
	t, err := time.Parse(layout, strings.TrimSpace(text))
	if err != nil {
		return time.Time{}
	}
	if _, offset := t.Zone(); offset < -furthest || offset > furthest {
		return time.Time{}
	}
	return End(t)
}

// UnreadEnd is the warning of a token whose end is told, but in a form that has no
// meaning: it goes on after the name of the token.
const UnreadEnd = "has an end that the upstream tells in a form that cannot be read, so it is not known when it ends; enter expires_at"

// EndUnread reports whether an end is told and could not be read.
func EndUnread(end time.Time, none bool) bool { return end.IsZero() && !none }

// EndOfMillis reads epoch milliseconds; none, and less, is the zero time.
func EndOfMillis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return End(time.UnixMilli(ms))
}
