package probe

import (
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

// EndOfMillis reads epoch milliseconds; none, and less, is the zero time.
func EndOfMillis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return End(time.UnixMilli(ms))
}
