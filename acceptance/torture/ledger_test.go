package torture_test

import (
	"fmt"
	"slices"
	"sync"
)

// ledger remembers what was acknowledged about one credential record, and judges what
// is read against that. A label tells credentials apart; "" where it is not known.
//
// Whoever reads asks for the floor first: no version below it may come, while one above
// it is a write that was under way.
type ledger struct {
	name string

	mu sync.Mutex
	tally
	made         int            // numbers given to new credentials
	floor        int            // the highest version that was acknowledged
	acknowledges map[int]string // version → label
	latest       map[string]int // label → the version that it was acknowledged as
	labels       map[int]string // what was ever seen of a version
	prints       map[int]string // its fingerprint
	open         []string       // labels of writes without an answer
	complaints   []string
}

// swap is what is told of one version of a credential: an answer, or an entry of a
// history.
type swap struct {
	version            int
	cause              string
	label, fingerprint string
	changed            bool // whether it was to another account
}

func newLedger(name string) *ledger {
	return &ledger{name: name, acknowledges: map[int]string{}, latest: map[string]int{}, labels: map[int]string{}, prints: map[int]string{}}
}

// number returns a number that no credential has had.
func (l *ledger) number() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	return l.made
}

// since returns the version below which nothing may be read from now on.
func (l *ledger) since() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.floor
}

// acknowledge notes the answer to a write.
func (l *ledger) acknowledge(s swap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged++
	if other, twice := l.acknowledges[s.version]; twice {
		l.lose("version %d was acknowledged to two writes, of %s and of %s", s.version, other, s.label)
	}
	l.agree(s)
	l.acknowledges[s.version], l.latest[s.label] = s.label, s.version
	l.floor = max(l.floor, s.version)
}

// unanswer notes a write whose answer never came.
func (l *ledger) unanswer(label string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unanswered++
	l.open = append(l.open, label)
}

// refuse notes an answer that there was no reason for.
func (l *ledger) refuse(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
	l.complain("%s: %v", what, err)
}

// missing notes that there was nothing to read, and in what words that was said.
func (l *ledger) missing(floor int, said error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if floor > 0 {
		l.lose("nothing is served after version %d was acknowledged: %v", floor, said)
	}
}

// torn notes a credential whose parts do not belong together, or that does not work.
func (l *ledger) torn(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mix(format, args...)
}

// served judges a credential that was read.
func (l *ledger) served(floor int, s swap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.version < floor {
		l.lose("version %d is served after version %d was acknowledged", s.version, floor)
	}
	if at := l.latest[s.label]; at > 0 && s.version > at {
		l.mix("version %d is %s, which was acknowledged as version %d", s.version, s.label, at)
	}
	l.agree(s)
}

// history judges entries, newest first. Of the newest, as many as limit says, every version
// has one, and it tells what was acknowledged; after them only changes of the account are
// kept.
func (l *ledger) history(floor, limit int, entries []swap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	complete := len(entries) < limit
	l.older(entries[min(limit, len(entries)):])
	swaps := slices.DeleteFunc(slices.Clone(entries[:min(limit, len(entries))]), func(s swap) bool { return s.cause == "refresh" })
	newest := 0
	if len(swaps) > 0 {
		newest = swaps[0].version
	}
	if newest < floor {
		l.lose("the history ends with version %d after version %d was acknowledged", newest, floor)
	}
	for i, s := range swaps {
		if i > 0 && s.version != swaps[i-1].version-1 {
			l.lose("the history goes from version %d to %d", swaps[i-1].version, s.version)
		}
		l.agree(s)
	}
	if complete && newest > 0 && swaps[len(swaps)-1].version != 1 {
		l.lose("the history begins with version %d", swaps[len(swaps)-1].version)
	}
}

// agree demands that a version is the same whenever it is seen. The caller holds mu.
func (l *ledger) agree(s swap) {
	verdict := l.mix
	if _, acknowledged := l.acknowledges[s.version]; acknowledged {
		verdict = l.lose
	}
	for _, seen := range []struct {
		told  string
		known map[int]string
	}{{s.label, l.labels}, {s.fingerprint, l.prints}} {
		known := seen.known[s.version]
		if known != "" && seen.told != "" && known != seen.told {
			verdict("version %d is %s, and was %s", s.version, seen.told, known)
		}
		if seen.told != "" {
			seen.known[s.version] = seen.told
		}
	}
}

// older judges what a history keeps beyond its limit: changes of the account, some of
// which made room.
func (l *ledger) older(entries []swap) {
	for i, s := range entries {
		if !s.changed {
			l.mix("version %d is kept beyond the limit of the history, and changed no account", s.version)
		}
		if i > 0 && s.version >= entries[i-1].version {
			l.mix("the history goes from version %d to %d", entries[i-1].version, s.version)
		}
		l.agree(s)
	}
}

// swappedIn returns how many of the writes without an answer were carried out, as far as
// anybody saw them.
func (l *ledger) swappedIn() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := map[string]bool{}
	for _, label := range l.labels {
		seen[label] = true
	}
	for _, label := range l.open {
		if label != "" && seen[label] {
			n++
		}
	}
	return n
}

// so returns what was counted and what is wrong so far.
func (l *ledger) so() (tally, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally, slices.Clone(l.complaints)
}

func (l *ledger) lose(format string, args ...any) {
	l.lost++
	l.complain("lost: "+format, args...)
}

func (l *ledger) mix(format string, args ...any) {
	l.mixed++
	l.complain("mixed: "+format, args...)
}

// complain keeps the first few.
func (l *ledger) complain(format string, args ...any) {
	const enough = 10
	if len(l.complaints) < enough {
		l.complaints = append(l.complaints, l.name+": "+fmt.Sprintf(format, args...))
	}
}
