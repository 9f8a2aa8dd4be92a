package torture_test

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// tally is what a ledger counts.
type tally struct {
	acknowledged, lost, mixed int
	// unanswered writes may have been carried out.
	unanswered int
	// refused requests were answered with what no client deserves.
	refused int
}

// row is what came of the disturbances of one kind.
type row struct {
	kind    string
	times   int
	asked   int // operations that were recorded
	unknown int // of these, how many have no answer, reads too
	count   tally
	outage  time.Duration
	longest time.Duration // until everything was as it should be
}

// pulse measures the longest time without a served read.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.last.IsZero() {
		p.longest = max(p.longest, time.Since(p.last))
	}
	p.last = time.Now()
}

// take returns the longest pause so far and begins anew.
func (p *pulse) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	longest := p.longest
	p.longest = 0
	return longest
}

// plus adds two tallies, minus takes one off.
func (t tally) plus(o tally) tally {
	return tally{t.acknowledged + o.acknowledged, t.lost + o.lost, t.mixed + o.mixed, t.unanswered + o.unanswered, t.refused + o.refused}
}

func (t tally) minus(o tally) tally {
	return t.plus(tally{-o.acknowledged, -o.lost, -o.mixed, -o.unanswered, -o.refused})
}

// note adds what was counted since the last one to a row.
func (r *torture) note(kind string, took time.Duration) {
	now, _ := r.so()
	asked, unknown := r.recorder.Counts()
	var found *row
	for _, known := range r.rows {
		if known.kind == kind {
			found = known
		}
	}
	if found == nil {
		found = &row{kind: kind}
		r.rows = append(r.rows, found)
	}
	found.times++
	found.count = found.count.plus(now.minus(r.before))
	found.outage, found.longest = max(found.outage, r.pulse.take()), max(found.longest, took)
	found.asked, found.unknown = found.asked+asked-r.asked, found.unknown+unknown-r.unknown
	r.before, r.asked, r.unknown = now, asked, unknown
}

// table is what came of everything.
func (r *torture) table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\ndisturbance\ttimes\tacknowledged\tlost\tmixed\tindeterminate\tlongest outage\tsettled within\t")
	sum := row{kind: "all"}
	for _, one := range r.rows {
		one.write(w)
		sum.add(one)
	}
	sum.write(w)
	_ = w.Flush()
	swappedIn := 0
	for _, s := range r.subjects {
		swappedIn += s.swappedIn()
	}
	return text.String() + fmt.Sprintf("indeterminate: no answer came; %d of these were seen to be swapped in.\nVault had no mount for %d requests, and answered %d reads with success and no body. Seed %d.\n", swappedIn, r.unrouted.Load(), r.empty.Load(), r.seed)
}

func (r *row) write(w *tabwriter.Writer) {
	_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%.1f s\t%.1f s\t\n", r.kind, r.times, r.count.acknowledged, r.count.lost, r.count.mixed, r.count.unanswered, r.outage.Seconds(), r.longest.Seconds())
}
