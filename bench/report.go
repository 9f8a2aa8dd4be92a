package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What is written into a page stands between these lines.
const (
	beginMark = "<!-- written by make bench -->"
	endMark   = "<!-- end of what make bench wrote -->"
)

// Report is all that was measured.
type Report struct {
	// About says on what and when it was measured.
	About   string
	Targets []Target
	Tables  []Table
	Charts  []Chart
}

// Table compares works that were loaded in turns; the first one counts as 1.
type Table struct {
	Title   string
	Results []*Result
}

// WriteInto replaces what an earlier report wrote into a page of Markdown, and writes
// the charts beside it, as an SVG named after it.
func (r Report) WriteInto(page string) error {
	image := strings.TrimSuffix(filepath.Base(page), ".md") + ".svg"
	have, err := os.ReadFile(page) //nolint:gosec // whoever measures says where
	if err != nil {
		return err
	}
	before, rest, begun := strings.Cut(string(have), beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !begun || !ended {
		return fmt.Errorf("%s has no lines %q and %q to write between", page, beginMark, endMark)
	}
	text := before + beginMark + "\n" + r.markdown(image) + endMark + after
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil { //nolint:gosec // as above
		return err
	}
	return os.WriteFile(filepath.Join(filepath.Dir(page), image), []byte(drawing(r.Charts)), 0o600)
}

func (r Report) markdown(image string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n| measured | target | result | |\n|---|---|---|---|\n", r.About)
	for _, t := range r.Targets {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.Name, t.Promise(), figure(t.Measured, t.Unit), t.verdict())
	}
	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n%s\n\n| | relative | per second | p50 | p99 | processor |\n|---|---|---|---|---|---|\n", t.Title)
		for _, row := range t.rows() {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if len(r.Charts) > 0 {
		fmt.Fprintf(&b, "\n![How cost grows with the number of integrations](%s)\n", image)
	}
	return b.String() + "\n"
}

func (t Table) rows() [][]string {
	var rows [][]string
	for _, r := range t.Results {
		rows = append(rows, []string{
			r.Name, figure(r.Over(t.Results[0]), ""), fmt.Sprintf("%.0f", r.Rate()), milliseconds(r.Quantile(0.5)), milliseconds(r.Quantile(0.99)), milliseconds(r.Spent()),
		})
	}
	return rows
}

// String is the table for a terminal.
func (t Table) String() string {
	lines := []string{t.Title}
	for _, row := range t.rows() {
		lines = append(lines, fmt.Sprintf("  %-44s %8s x %8s/s   p50 %-9s p99 %-9s cpu %s", row[0], row[1], row[2], row[3], row[4], row[5]))
	}
	return strings.Join(lines, "\n")
}

func milliseconds(d time.Duration) string {
	return figure(float64(d)/float64(time.Millisecond), "ms")
}
