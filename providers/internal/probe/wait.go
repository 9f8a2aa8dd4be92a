package probe

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter caps what an upstream may ask to wait; none asks for more.
const maxRetryAfter = 24 * time.Hour

// RetryAfter is how long an answer asks to wait, false where it does not say.
func RetryAfter(header http.Header) (time.Duration, bool) {
	return parseRetryAfter(header.Get("Retry-After"), time.Now())
}

// parseRetryAfter reads the header's two forms, seconds and an HTTP date (RFC
// 9110, section 10.2.3). The result is never negative and never over a day.
func parseRetryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		if seconds > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter, true
		}
		return time.Duration(seconds) * time.Second, true
	}
	if when, err := http.ParseTime(text); err == nil {
		return ClampWait(when.Sub(now)), true
	}
	return 0, false
}

// ClampWait rounds up to whole seconds and bounds.
func ClampWait(d time.Duration) time.Duration {
	d = min(max(d, 0), maxRetryAfter)
	return (d + time.Second - 1).Truncate(time.Second)
}

// ParseReset reads a moment in epoch seconds and returns how far away it is, with
// the same bounds.
func ParseReset(text string, now time.Time) (time.Duration, bool) {
	epoch, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || epoch <= 0 {
		return 0, false
	}
	latest := now.Add(maxRetryAfter).Unix()
	return ClampWait(time.Unix(min(epoch, latest), 0).Sub(now)), true
}
