package providers

import (
	"unicode"
)

// blank characters are of no class of Unicode that says that they show nothing.
const (
	brailleBlank      = '\u2800'
	nullNotehead      = '\U0001D159'
	khitanFiller      = '\U00016FE4'
	objectPlaceholder = '\uFFFC'
)

// Invisible reports whether a character shows nothing, or only changes how others show,
// so that two texts which differ look alike, or one looks like what it is not: those of
// format (category Cf, among them the byte order mark and what turns text around),
// those that Unicode lets a font ignore (Hangul fillers, the grapheme joiner, variation
// selectors), separators of lines, and blanks that are no spaces.
//
// https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
func Invisible(r rune) bool {
	switch r {
	case brailleBlank, nullNotehead, khitanFiller, objectPlaceholder:
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Zl, unicode.Zp)
}
