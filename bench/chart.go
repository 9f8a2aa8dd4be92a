package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Chart shows how figures grow with the number of integrations. Both axes are
// logarithmic.
type Chart struct {
	Title  string
	Unit   string
	Series []Series
}

// Series is one line of a chart.
type Series struct {
	Name   string
	Points []Point
}

// Point is a figure at a number of integrations.
type Point struct {
	Count int
	Value float64
}

// The size of a chart and of what is around its plot, in pixels.
const (
	chartWidth, chartHeight                       = 460, 320
	leftMargin, rightMargin, topMargin, lowMargin = 70, 16, 40, 44
	legendLine                                    = 17
	chartsAbreast                                 = 2
)

// drawing is the charts as one SVG, two abreast.
func drawing(charts []Chart) string {
	lines := 0
	for _, c := range charts {
		lines = max(lines, len(c.Series))
	}
	height := chartHeight + lines*legendLine
	rows := (len(charts) + chartsAbreast - 1) / chartsAbreast
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		chartsAbreast*chartWidth, rows*height)
	fmt.Fprintln(&b, `<rect width="100%" height="100%" fill="white"/>`)
	for i, c := range charts {
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", i%chartsAbreast*chartWidth, i/chartsAbreast*height)
		c.draw(&b)
		fmt.Fprintln(&b, "</g>")
	}
	return b.String() + "</svg>\n"
}

func (c Chart) draw(b *strings.Builder) {
	x, y := c.axes()
	fmt.Fprintf(b, `<text x="%d" y="22" font-size="14" font-weight="bold">%s</text>`+"\n", leftMargin, html.EscapeString(c.Title))
	for _, at := range x.ticks() {
		line(b, x.at(at), topMargin, x.at(at), chartHeight-lowMargin)
		text(b, x.at(at), chartHeight-lowMargin+16, "middle", short(at))
	}
	for _, at := range y.ticks() {
		line(b, leftMargin, y.at(at), chartWidth-rightMargin, y.at(at))
		text(b, leftMargin-6, y.at(at)+4, "end", short(at)+" "+c.Unit)
	}
	text(b, (leftMargin+chartWidth-rightMargin)/2, chartHeight-lowMargin+34, "middle", "integrations")
	for i, s := range c.Series {
		s.draw(b, x, y, i)
	}
}

func (s Series) draw(b *strings.Builder, x, y axis, i int) {
	colours := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}
	colour := colours[i%len(colours)]
	var path strings.Builder
	for n, p := range s.Points {
		fmt.Fprintf(&path, "%s%.1f %.1f ", map[bool]string{true: "M", false: "L"}[n == 0], x.at(float64(p.Count)), y.at(p.Value))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(float64(p.Count)), y.at(p.Value), colour)
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(path.String()), colour)
	low := float64(chartHeight + i*legendLine)
	fmt.Fprintf(b, `<rect x="%d" y="%.0f" width="12" height="4" fill="%s"/>`+"\n", leftMargin, low, colour)
	text(b, leftMargin+18, low+6, "start", s.Name)
}

// axis leads values, from first to last, to places.
type axis struct{ first, last, from, to float64 }

func (a axis) at(value float64) float64 {
	share := (math.Log10(value) - math.Log10(a.first)) / (math.Log10(a.last) - math.Log10(a.first))
	return a.from + share*(a.to-a.from)
}

// ticks are the powers of ten on the axis.
func (a axis) ticks() []float64 {
	var all []float64
	for at := a.first; at <= a.last*1.001; at *= 10 {
		all = append(all, at)
	}
	return all
}

// axes span all points, to the next powers of ten.
func (c Chart) axes() (x, y axis) {
	x = axis{math.Inf(1), 0, leftMargin, chartWidth - rightMargin}
	y = axis{math.Inf(1), 0, chartHeight - lowMargin, topMargin}
	for _, s := range c.Series {
		for _, p := range s.Points {
			x.first, x.last = min(x.first, float64(p.Count)), max(x.last, float64(p.Count))
			y.first, y.last = min(y.first, p.Value), max(y.last, p.Value)
		}
	}
	return x.whole(), y.whole()
}

func (a axis) whole() axis {
	a.first = math.Pow10(int(math.Floor(math.Log10(a.first))))
	a.last = max(math.Pow10(int(math.Ceil(math.Log10(a.last)))), a.first*10)
	return a
}

func line(b *strings.Builder, x1, y1, x2, y2 float64) {
	fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#ddd"/>`+"\n", x1, y1, x2, y2)
}

func text(b *strings.Builder, x, y float64, anchor, words string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#333">%s</text>`+"\n", x, y, anchor, html.EscapeString(words))
}

// short writes 100000 as 100k and 0.1 as it is.
func short(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%gk", value/1000)
	}
	return fmt.Sprintf("%g", value)
}
