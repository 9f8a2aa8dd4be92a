package histories

import (
	"slices"
	"sync"
	"time"
)

// Recorder keeps operations. It is safe for concurrent use.
type Recorder struct {
	begun   time.Time
	mu      sync.Mutex
	all     []Operation
	taken   map[int]bool // clients that are asking
	unknown int
}

// NewRecorder returns an empty one, whose clock begins now.
func NewRecorder() *Recorder {
	return &Recorder{begun: time.Now(), taken: map[int]bool{}}
}

// Begin notes that an operation begins now, and returns what notes its end, which must be called
// once, with everything that came of it; an operation without it is not in the history.
// The Client is the Recorder's to choose.
func (r *Recorder) Begin(record, node string, kind Kind) func(Operation) {
	began := time.Since(r.begun).Nanoseconds()
	r.mu.Lock()
	client := 0
	for r.taken[client] {
		client++
	}
	r.taken[client] = true
	r.mu.Unlock()
	return func(o Operation) {
		r.mu.Lock()
		defer r.mu.Unlock()
		o.Record, o.Node, o.Kind, o.Client = record, node, kind, client
		o.Begin, o.End = began, time.Since(r.begun).Nanoseconds()
		if o.Outcome != Unknown { // one that may still be carried out keeps its line in a picture
			delete(r.taken, client)
		} else {
			r.unknown++
		}
		r.all = append(r.all, o)
	}
}

// Counts returns how many operations ended so far, and of how many of them nothing is known.
func (r *Recorder) Counts() (ended, unknown int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all), r.unknown
}

// Operations returns what ended so far, in the order of the ends.
func (r *Recorder) Operations() []Operation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}
