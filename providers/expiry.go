package providers

import "time"

// end is t in UTC, or the zero time where its year has not four digits: JSON
// cannot hold such a time, and an offset can make one of 9999-12-31.
func end(t time.Time) time.Time {
	const lastYear = 9999
	t = t.UTC()
	if t.Year() < 1 || t.Year() > lastYear {
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
