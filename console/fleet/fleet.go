package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"vault-plugin-secrets-sei/console/engine"
)

// Statuses are those that an integration can have, those that need a person first.
func Statuses() []string {
	return []string{"needs_reauth", "degraded", "expiring", "unreachable", "healthy", "not_checked"}
}

// urgency is the place of a status among them; one that is not known comes last.
func urgency(status string) int {
	if i := slices.Index(Statuses(), status); i >= 0 {
		return i
	}
	return len(Statuses())
}

// Row is one integration.
type Row struct {
	Name   string
	Labels []string // key=value, sorted
	engine.Summary
}

// Fleet is all integrations of a mount.
type Fleet struct{ Rows []Row }

// Of makes a fleet of what a list of health says: what needs a person comes first, then by
// name.
func Of(summaries map[string]engine.Summary) Fleet {
	var f Fleet
	for name, s := range summaries {
		row := Row{Name: name, Summary: s}
		for key, value := range s.Labels {
			row.Labels = append(row.Labels, key+"="+value)
		}
		slices.Sort(row.Labels)
		f.Rows = append(f.Rows, row)
	}
	slices.SortFunc(f.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(urgency(a.Status), urgency(b.Status)), cmp.Compare(a.Name, b.Name))
	})
	return f
}

// Filter says which integrations to show. What is empty shows all.
type Filter struct{ Text, Provider, Status, Label string }

// Any reports whether it leaves any out.
func (f Filter) Any() bool { return f != Filter{} }

// Of returns the rows that the filter shows.
func (f Filter) Of(rows []Row) []Row {
	var shown []Row
	text, label := strings.ToLower(f.Text), strings.ToLower(f.Label)
	for _, row := range rows {
		found := func(in string) bool { return strings.Contains(strings.ToLower(in), label) }
		if strings.Contains(strings.ToLower(row.Name), text) && (f.Provider == "" || row.Provider == f.Provider) &&
			(f.Status == "" || row.Status == f.Status) && (label == "" || slices.ContainsFunc(row.Labels, found)) {
			shown = append(shown, row)
		}
	}
	return shown
}

// Providers are those that the fleet has, sorted.
func (f Fleet) Providers() []string {
	seen := map[string]bool{}
	for _, row := range f.Rows {
		seen[row.Provider] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Count is how many of a kind there are.
type Count struct {
	Name string
	N    int
}

// ByStatus counts the integrations of each status that there is.
func (f Fleet) ByStatus() []Count {
	n := map[string]int{}
	for _, row := range f.Rows {
		n[row.Status]++
	}
	return Counts(n)
}

// Counts sorts counts by status, and leaves zeros out.
func Counts(n map[string]int) []Count {
	var counts []Count
	for status, many := range n {
		if many > 0 {
			counts = append(counts, Count{status, many})
		}
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(urgency(a.Name), urgency(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return counts
}

// ByProvider counts the statuses of the integrations of each provider.
func (f Fleet) ByProvider() map[string]map[string]int {
	n := map[string]map[string]int{}
	for _, row := range f.Rows {
		if n[row.Provider] == nil {
			n[row.Provider] = map[string]int{}
		}
		n[row.Provider][row.Status]++
	}
	return n
}

// Needs are the integrations that need a person.
func (f Fleet) Needs() []engine.Need {
	var needs []engine.Need
	for _, row := range f.Rows {
		if row.Status == "needs_reauth" || row.Status == "degraded" {
			needs = append(needs, engine.Need{Name: row.Name, Provider: row.Provider, Status: row.Status, Code: row.Reason})
		}
	}
	return needs
}

// pageSize is how many rows a page has.
const pageSize = 100

// Page is a part of some rows.
type Page struct {
	Rows       []Row
	Number, Of int // from 1
	Total      int
}

// Before is the number of the page before.
func (p Page) Before() int { return p.Number - 1 }

// After is the number of the page after.
func (p Page) After() int { return p.Number + 1 }

// PageOf returns a page of rows; the first or last one where there is no such.
func PageOf(rows []Row, number int) Page {
	pages := max(1, (len(rows)+pageSize-1)/pageSize)
	number = min(max(number, 1), pages)
	end := min(number*pageSize, len(rows))
	return Page{Rows: rows[(number-1)*pageSize : end], Number: number, Of: pages, Total: len(rows)}
}
