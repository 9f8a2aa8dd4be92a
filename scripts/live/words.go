package main

import (
	_ "embed"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

//go:embed words.txt
var wordList string

// vocabulary are the words that vendors use in their answers and that say nothing of
// anybody. Some are names as well, such as max and grant: those are masked where an answer or
// the environment says so.
func vocabulary() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(wordList) {
		words[word] = true
	}
	return words
}

// replacement is a pattern of what can say who somebody is, and what stands for it.
type replacement struct {
	form *regexp.Regexp
	by   string
}

// replacements are looked for before words are.
func replacements() []replacement {
	return []replacement{
		{regexp.MustCompile(`[^\s"'<>(),;:=/]+(@|%40)[^\s"'<>(),;:=/]+`), "person@example.com"},
		{regexp.MustCompile(`\b[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\b`), "00000000-0000-0000-0000-000000000001"},
		{regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`), "192.0.2.1"},
		{regexp.MustCompile(`(?i)\b[0-9a-f]{0,4}(:[0-9a-f]{0,4}){3,7}\b`), "2001:db8::1"},
	}
}

// moments are the forms of dates in answers, with one moment in each of them.
func moments() []replacement {
	return []replacement{
		{regexp.MustCompile(`^\d{4}-\d\d-\d\d$`), "2030-01-31"},
		{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$`), "2030-01-31 12:00:00 UTC"},
		{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$`), "2030-01-31 12:00:00 +0100"},
		{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`), "2030-01-31T12:00:00Z"},
		{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d{4}$`), "2030-01-31T12:00:00+0100"},
		{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d$`), "2030-01-31T12:00:00+01:00"},
		{regexp.MustCompile(`^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$`), "Thu, 31 Jan 2030 12:00:00 GMT"},
	}
}

// moment returns what stands for a date, in the form that it has.
func moment(text string) (string, bool) {
	for _, m := range moments() {
		if m.form.MatchString(text) {
			return m.by, true
		}
	}
	return "", false
}

// mask replaces all letters and digits, so that no more than the form is left.
func mask(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '0'
		case r > unicode.MaxASCII, unicode.IsLetter(r):
			return 'x'
		}
		return r
	}, text)
}

var (
	// wordForm is one word, or an escape of a URL, which separates words.
	wordForm = regexp.MustCompile(`%[0-9A-Fa-f]{2}|[\pL\pN]+`)
	// partForm is one part of a word such as emailAddress or TokenExpired.
	partForm = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)
	digit    = regexp.MustCompile(`^\d$`)
	digits   = regexp.MustCompile(`^\d{1,10}$`)
	// refusal is the status with which a sentence may begin.
	refusal = regexp.MustCompile(`^[45]\d\d `)
	// version is that of a server, and of the form of some addresses.
	version = regexp.MustCompile(`^\d{1,4}(\.\d{1,6}){1,3}$`)
	// code is the number of an error of Microsoft Entra.
	code  = regexp.MustCompile(`^AADSTS\d{5,8}$`)
	dated = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// scrubber takes out of answers what could be secret or personal. What it does not know to
// be neither, it masks.
type scrubber struct {
	known map[string]bool
	// personal are words that stand for nobody elsewhere, such as an organisation that is
	// called as something else.
	personal map[string]bool
	// hidden are texts that are masked as a whole, such as what was entered: vendors' words in
	// them say nothing of them.
	hidden []*regexp.Regexp
}

func newScrubber() *scrubber {
	return &scrubber{known: vocabulary(), personal: map[string]bool{}}
}

// hide notes a text that is masked as a whole, in each form in which a URL can have it.
func (s *scrubber) hide(text string) {
	for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text)} {
		if form != "" {
			s.hidden = append(s.hidden, regexp.MustCompile(`(?i)`+regexp.QuoteMeta(form)))
		}
	}
}

// learn notes a text that says who somebody is. Where it has several words, those that are
// vendors' say it together only.
func (s *scrubber) learn(text string) {
	local, _, _ := strings.Cut(text, "@")
	for _, name := range []string{text, local} {
		switch words := wordForm.FindAllString(name, -1); {
		case len(words) > 1:
			s.hide(name)
		case len(name) > 1 && !slices.Contains(nobodys(), strings.ToLower(name)):
			s.personal[strings.ToLower(name)] = true
		}
	}
}

// nobodys are names that many answers give to something, and that say nothing of anybody.
func nobodys() []string {
	return []string{"api", "azure", "bitbucket", "github", "gitlab", "harness", "jira", "key", "sonarqube", "token"}
}

// text keeps the words of vendors.
func (s *scrubber) text(text string) string {
	for _, hidden := range s.hidden {
		text = hidden.ReplaceAllStringFunc(text, mask)
	}
	return replaced(text, func(rest string) string {
		return wordForm.ReplaceAllStringFunc(rest, func(word string) string {
			if separates(word) || s.may(word) || digit.MatchString(word) && !s.personal[word] {
				return word
			}
			return mask(word)
		})
	})
}

// separates reports whether a word is the escape of a sign that is of no word. Those of
// others can spell a name.
func separates(word string) bool {
	sign, err := url.PathUnescape(word)
	return err == nil && sign != word && !wordForm.MatchString(sign) && sign[0] <= unicode.MaxASCII
}

// number keeps a text that is a number, such as that of a limit, or a version's date.
func (s *scrubber) number(text string) string {
	if digits.MatchString(text) || dated.MatchString(text) {
		return text
	}
	return s.text(text)
}

// form is what a text looks like, with nothing of what it says.
func form(text string) string { return replaced(text, mask) }

// replaced puts something in the place of dates, addresses and ids, and what of says in
// that of the rest.
func replaced(text string, of func(rest string) string) string {
	if m, ok := moment(text); ok {
		return m
	}
	for _, r := range replacements() {
		if at := r.form.FindStringIndex(text); at != nil {
			return replaced(text[:at[0]], of) + r.by + replaced(text[at[1]:], of)
		}
	}
	return of(text)
}

// may reports whether a word, or each part of it, is a vendor's.
func (s *scrubber) may(word string) bool {
	return !s.personal[strings.ToLower(word)] && s.isKnown(word)
}

func (s *scrubber) isKnown(word string) bool {
	if s.known[strings.ToLower(word)] || code.MatchString(word) {
		return true
	}
	parts := partForm.FindAllString(word, -1)
	if len(parts) < 2 || len(strings.Join(parts, "")) != len(word) {
		return false
	}
	for _, part := range parts {
		if !s.known[strings.ToLower(part)] {
			return false
		}
	}
	return true
}

// name is that of a member of an object or of a header: vendors choose most, and few are
// somebody's, such as in an object with a member for each user.
func (s *scrubber) name(name string) string {
	for _, hidden := range s.hidden {
		name = hidden.ReplaceAllStringFunc(name, mask)
	}
	if s.personal[strings.ToLower(name)] && !s.known[strings.ToLower(name)] {
		return mask(name)
	}
	return wordForm.ReplaceAllStringFunc(name, func(word string) string {
		if s.isKnown(word) {
			return word
		}
		return mask(word)
	})
}
