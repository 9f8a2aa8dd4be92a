package input

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"vault-plugin-secrets-sei/providers"
)

// quotes are the characters that are often copied along with a value.
const quotes = "\"'`´‘’‚‛“”„‟‹›«»"

var errQuoted = errors.New("is in quotes; enter what stands between them")

// checkUnquoted refuses a text in quotes. One of them may be part of it, as in o'brien.
func checkUnquoted(text string) error {
	first, size := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text[size:])
	if strings.ContainsRune(quotes, first) && strings.ContainsRune(quotes, last) {
		return errQuoted
	}
	return nil
}

// checkEnds refuses a text that begins or ends with a quote, even if it is the only one.
func checkEnds(text string) error {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	if strings.ContainsRune(quotes, first) || strings.ContainsRune(quotes, last) {
		return errQuoted
	}
	return nil
}

// inToken reports whether a character can be in a token or a client secret: printable
// ASCII without the space.
func inToken(r rune) bool { return r > ' ' && r < unicode.MaxASCII }

// inText reports whether a character can be in a text: a visible one, or a space.
func inText(r rune) bool { return unicode.IsPrint(r) && !providers.Invisible(r) }

// inProse is inText for free text that people read. Some scripts and signs need joiners,
// and any kind of space is allowed.
func inProse(r rune) bool {
	switch r {
	case '\u200c', '\u200d', '\ufe0f': // for Persian, and for emoji
		return true
	}
	return !unicode.IsControl(r) && !providers.Invisible(r)
}

// invisibleName names an invisible character that is often copied along with a value, or
// is "".
func invisibleName(r rune) string {
	return map[rune]string{
		'\ufeff': "byte order mark",
		'\u200b': "zero width space",
		'\u200c': "zero width non-joiner",
		'\u200d': "zero width joiner",
		'\u200e': "left-to-right mark",
		'\u200f': "right-to-left mark",
		'\u00ad': "soft hyphen",
		'\u2060': "word joiner",
		'\u202a': "left-to-right embedding",
		'\u202b': "right-to-left embedding",
		'\u202c': "end of embedding",
		'\u202d': "left-to-right override",
		'\u202e': "right-to-left override",
	}[r]
}

// checkCharacters refuses a text with a character that does not fit, and names the kind
// of character.
func checkCharacters(text string, fits func(rune) bool) error {
	if !utf8.ValidString(text) {
		return errors.New("is not text in UTF-8")
	}
	for _, r := range text {
		if !fits(r) {
			return characterError(r)
		}
	}
	return nil
}

// characterError names a character that does not fit, without quoting it.
func characterError(r rune) error {
	switch name := invisibleName(r); {
	case name != "":
		return fmt.Errorf("contains an invisible character (%s); copy it again, or type it", name)
	case providers.Invisible(r):
		return errors.New("contains an invisible character; copy it again, or type it")
	case isLineBreak(r):
		return errors.New("contains a line break")
	case unicode.IsControl(r) && r != '\t':
		return errControl
	case r == '\u00a0', r == '\u202f':
		return errors.New("contains a blank (a no-break space)")
	case unicode.IsSpace(r):
		return errors.New("contains a blank")
	case strings.ContainsRune(quotes, r):
		return errors.New("contains a typographic quote")
	case unicode.Is(unicode.Pd, r):
		return errors.New("contains a typographic dash")
	default:
		return errors.New("contains a character that cannot be part of it, such as a letter that looks like one of ASCII")
	}
}
