package bench

import "fmt"

// Target is a figure that was promised, and what was measured.
type Target struct {
	Name     string
	Unit     string // "" for a ratio
	Limit    float64
	AtLeast  bool // or at most
	Measured float64
}

// Met reports whether the promise is kept.
func (t Target) Met() bool {
	if t.AtLeast {
		return t.Measured >= t.Limit
	}
	return t.Measured <= t.Limit
}

// Promise is the target as a person writes it.
func (t Target) Promise() string {
	if t.AtLeast {
		return "≥ " + figure(t.Limit, t.Unit)
	}
	return "≤ " + figure(t.Limit, t.Unit)
}

func (t Target) verdict() string {
	if t.Met() {
		return "met"
	}
	return "**missed**"
}

// String is a line for a terminal.
func (t Target) String() string {
	verdict := "met"
	if !t.Met() {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%-70s %-10s %-10s %s", t.Name, t.Promise(), figure(t.Measured, t.Unit), verdict)
}

// figure writes a number with three digits that matter.
func figure(value float64, unit string) string {
	text := fmt.Sprintf("%.2f", value)
	switch {
	case value >= 100:
		text = fmt.Sprintf("%.0f", value)
	case value >= 10:
		text = fmt.Sprintf("%.1f", value)
	}
	if unit == "" {
		return text
	}
	return text + " " + unit
}
