package providers

import "time"

// LastYear is the last year that RFC 3339 can write.
const LastYear = 9999

// end is t in UTC, or the zero time where its year has not four digits: JSON
// cannot hold such a time, and an offset can make one of 9999-12-31.
func end(t time.Time) time.Time {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > LastYear {
		return time.Time{}
	}
	return t
}

// endOfMillis reads epoch milliseconds; none, and less, is the zero time.
func endOfMillis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return end(time.UnixMilli(ms))
}
