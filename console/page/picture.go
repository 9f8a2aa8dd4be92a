package page

import (
	"fmt"

	"vault-plugin-secrets-sei/console/fleet"
)

// Picture is the weeks to come as bars.
type Picture struct {
	Width, Height int
	Base          int // of the bars
	Bars          []Bar
	Marks         []Mark
	Text          string // the same in a sentence
}

// Bar is one week.
type Bar struct {
	X, Y, Width, Height int
	Count               int
	LabelX, LabelY      int
	Soon                bool
	Text                string
}

// Mark is a date below the bars.
type Mark struct {
	X    int
	Text string
}

// The picture's measures.
const (
	barWidth   = 24
	barStep    = 28
	barsHeight = 96
	barsTop    = 20
	soonWeeks  = 2
	markEvery  = 4
)

// PictureOf draws the weeks.
func PictureOf(w fleet.Weeks) Picture {
	p := Picture{Width: len(w.Weeks) * barStep, Height: barsTop + barsHeight + 24, Base: barsTop + barsHeight}
	total := 0
	for i, week := range w.Weeks {
		n := len(week.Names)
		total += n
		x := i * barStep
		if i%markEvery == 0 {
			p.Marks = append(p.Marks, Mark{x, week.From.UTC().Format("2 Jan")})
		}
		if n == 0 {
			continue
		}
		height := max(4, barsHeight*n/w.Most)
		p.Bars = append(p.Bars, Bar{
			X: x, Y: p.Base - height, Width: barWidth, Height: height, Count: n, LabelX: x + barWidth/2, LabelY: p.Base - height - 5,
			Soon: i < soonWeeks, Text: fmt.Sprintf("%s in the week from %s", credentials(n), week.From.UTC().Format("2 January")),
		})
	}
	p.Text = fmt.Sprintf("%s in the next %d weeks", ends(total), len(w.Weeks))
	if w.Later > 0 {
		p.Text += fmt.Sprintf(", %d later", w.Later)
	}
	return p
}

func credentials(n int) string {
	if n == 1 {
		return "1 credential ends"
	}
	return fmt.Sprintf("%d credentials end", n)
}

func ends(n int) string {
	if n == 0 {
		return "No credential ends"
	}
	return credentials(n)
}
