package notify

import "time"

const (
	// firstPause is how long a target rests after a message that it did not take; each
	// failure doubles it, up to longestPause.
	firstPause   = 5 * time.Second
	longestPause = 15 * time.Minute
	// finalPause is for how long what was refused for good rests.
	finalPause = time.Hour
	// manyFinal is how many refusals in a row say that the target takes nothing, and not
	// that there is something about one message.
	manyFinal = 3
	// toldAfter is how many failures in a row are worth a line in the log: most receivers
	// that are away come back at once.
	toldAfter = 3
)

// rest is what a target, or one of its messages, waits for. The zero value waits for
// nothing.
type rest struct {
	until    time.Time
	failures int
	finals   int
}

// failed notes a failure of the target.
func (r *rest) failed(f *failure, now time.Time) {
	if f.final() {
		if r.finals++; r.finals >= manyFinal {
			r.until = now.Add(finalPause)
		}
		return
	}
	pause := min(firstPause<<min(r.failures, 10), longestPause)
	r.failures++
	r.until = now.Add(max(pause, f.retryAfter))
}
