package torture_test

import (
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"

	"vault-plugin-secrets-sei/internal/histories"
)

// runs are all that a program of tests did, for the one table at its end.
type runs struct {
	mu  sync.Mutex
	all []ran
}

// ran is what came of one test.
type ran struct {
	name   string
	rows   []*row
	judged []histories.Result
}

func (a *runs) add(r ran) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, r)
}

// found counts what the histories of a test show.
func (r ran) found() (violations int) {
	for _, result := range r.judged {
		violations += len(result.Violations)
		if result.Undecided {
			violations++
		}
	}
	return violations
}

// table has a row for each kind of disturbance, and one for all; "" if there was none.
func (a *runs) table() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) == 0 {
		return ""
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "fault\ttimes\toperations\tacknowledged\tunknown\tlost\tmixed\tlongest outage\t")
	sum, checked, violations, unjudged := row{kind: "all"}, 0, 0, []string(nil)
	for _, r := range a.all {
		for _, one := range r.rows {
			one.writeAsked(w)
			sum.add(one)
		}
		checked, violations = checked+len(r.judged), violations+r.found()
		if len(r.judged) == 0 {
			unjudged = append(unjudged, r.name)
		}
	}
	sum.writeAsked(w)
	_ = w.Flush()
	said := fmt.Sprintf("torture: %d tests\n%s%d histories checked, %d violations\n", len(a.all), text.String(), checked, violations)
	if len(unjudged) > 0 {
		said += "ended before their histories were checked: " + strings.Join(unjudged, ", ") + "\n"
	}
	return said
}

func (r *row) add(o *row) {
	r.times += o.times
	r.asked += o.asked
	r.unknown += o.unknown
	r.count = r.count.plus(o.count)
	r.outage, r.longest = max(r.outage, o.outage), max(r.longest, o.longest)
}

func (r *row) writeAsked(w *tabwriter.Writer) {
	_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f s\t\n", r.kind, r.times, r.asked, r.count.acknowledged, r.unknown, r.count.lost, r.count.mixed, r.outage.Seconds())
}
