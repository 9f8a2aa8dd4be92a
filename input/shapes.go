package input

import (
	"errors"
	"regexp"
)

// Words that occur in the names of secrets. A word of three letters counts only on its
// own, because a random text may contain it.
const (
	longWords = `token|secret|password|passwd|passphrase|code|state|email|user|username|login|auth|authorization|bearer|credentials?|creds|apikey`
	anyWord   = `(?:` + longWords + `|pat|key|pwd|pass|cred|jwt)s?`
	// named matches a name with such a word in it: of a variable, a property, a parameter
	// or an option.
	named = `(?i:[?&]?-{0,2}(?:[a-z0-9]+[_.-]+)*` + anyWord + `(?:[0-9]+|[_.-]+[a-z0-9]+)*|[a-z0-9_-]{0,40}(?:pat|key|` + longWords + `))`
	// issued matches the beginning of the vendors' tokens.
	issued = `(?:gh[pousr]_|github_pat_|glpat-|AT[AC]TT3|ATBB|[ps]at\.|sq[uapb]_|sqco_)`
	// fileEnds matches the extensions of files that hold a secret.
	fileEnds = `(?:txt|json|ya?ml|env|pem|key|token|secret|csv|conf|cfg|ini|out|tmp)`
)

// The shapes of text that contains or names a secret and is not the secret itself.
var (
	headerShape   = regexp.MustCompile(`(?i)^(?:authorization|proxy-authorization|private-token|job-token|deploy-token|x-api-key)[\s]*:`)
	bearerShape   = regexp.MustCompile(`^(?i:bearer)(?:\s|%20|:|\+|` + issued + `)`)
	basicShape    = regexp.MustCompile(`(?i)^basic(?:\s|%20|:)`)
	wordShape     = regexp.MustCompile(`^(?i:token)(?:\s|%20|:|\+?` + issued + `)`)
	variableShape = regexp.MustCompile(`(?i)^(?:export|set|setx|env|declare\s+-x)\s|^\$env:`)
	equalsShape   = regexp.MustCompile(`^(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|` + named + `)=+[^=]`)
	// One word of capitals may be the beginning of a client's secret of Microsoft's, which
	// until 2020 had more such signs after it.
	capitalShape  = regexp.MustCompile(`^[A-Z]{3,}=+[\w.~-]+$`)
	capitalsShape = regexp.MustCompile(`^(?:[A-Z0-9]+_)*(?:TOKEN|PAT|KEY|SECRET|PASSWORD|AUTH|CREDENTIALS?)(?:_?[A-Z0-9]+)*:.|^[\w.-]+\s*:\s`)
	nameShape     = regexp.MustCompile(`^` + named + `[:=]` + issued)
	addressShape  = regexp.MustCompile(`(?i)^https?://`)
	jsonShape     = regexp.MustCompile(`^(?:\{|\[)\s*["']`)
	anglesShape   = regexp.MustCompile(`^<`)
	bracketsShape = regexp.MustCompile(`^(?:\[[\w.~-]+\]|\([\w.~-]+\)|\{[\w.~-]+\})$|^[\[({]` + issued)
	referShape    = regexp.MustCompile(`^\$(?:[A-Z_][A-Z0-9_]{2,}|` + named + `|\(.*\)|\{.*\})$|^%\w+%$|^\{\{.*\}\}$`)
	fileShape     = regexp.MustCompile(`^@(?:-|(?i:[\w.-]*(?:token|pat|secret|key)s?)|[^@]*\.` + fileEnds + `)$|^@(?:\.{1,2}|~)/`)
	maskShape     = regexp.MustCompile(`^\*+$|\*{4}|\.{3}$`)
	entityShape   = regexp.MustCompile(`&(?:quot|apos|amp|lt|gt|nbsp|#[0-9]+|#[xX][0-9a-fA-F]+);`)
	percentShape  = regexp.MustCompile(`(?i)%(?:0a|0d|09|20|22|27)`)
	escapeShape   = regexp.MustCompile(`^\\(?:["']|u[0-9a-fA-F]{4})|\\[nrt]?$`)
	queryShape    = regexp.MustCompile(`&(?:state|session_state|code|scope)=`)
	stopShape     = regexp.MustCompile(`^[,;]|[,;]$`)
	severalShape  = regexp.MustCompile(`[,;|]` + issued)
	nothingShape  = regexp.MustCompile(`(?i)^(?:null|undefined|nil|none)$`)
)

// More shapes, for secrets that a known vendor issues: none of them has these characters.
var (
	variablesShape = regexp.MustCompile(`^[A-Z]{3,}=+[^=]`)
	colonShape     = regexp.MustCompile(`^(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|` + named + `):.`)
	vendorShape    = regexp.MustCompile(`^[^\s]{1,80}[:=]` + issued)
	loginShape     = regexp.MustCompile(`^[^\s@:/]+@[^\s@:/]+\.[A-Za-z]{2,}:.`)
	dollarShape    = regexp.MustCompile(`^\$`)
	atShape        = regexp.MustCompile(`^@`)
	enclosedShape  = regexp.MustCompile(`^(?:\[.*\]|\(.*\)|\{.*\})$`)
	starsShape     = regexp.MustCompile(`\*\*`)
	separatedShape = regexp.MustCompile(`[,;|]`)
)

// Atlassian's tokens end with = and a checksum, so that they look like NAME=value.
var atlassianShape = regexp.MustCompile(`^(?:AT[AC]TT|ATBB)`)

// shape pairs one of these shapes with the message for a value that has it.
type shape struct {
	of   *regexp.Regexp
	says string
}

// Messages that several shapes share.
const (
	isName     = "looks like NAME=value; enter the value alone"
	isPair     = "looks like NAME:value; enter the value alone"
	isReferred = "is the name of a variable and not its value"
	isFile     = "is the name of a file and not what it holds"
	isEnclosed = "is in brackets; enter what stands between them"
	isMasked   = "is masked or cut off; copy the whole value"
	isSeveral  = "has a comma, a semicolon or a bar in it, which no token has; enter each token by itself"
)

// nameShapes match a value with a name in front of it.
func nameShapes() []shape {
	return []shape{{equalsShape, isName}, {capitalShape, isName}, {capitalsShape, isPair}, {nameShape, isPair}}
}

// commonShapes match text that is never a secret, whoever issued it.
func commonShapes() []shape {
	return []shape{
		{addressShape, "is an address and no value of this kind"},
		{jsonShape, "is JSON; enter the value alone"},
		{anglesShape, "is in angle brackets; enter what stands between them"},
		{bracketsShape, isEnclosed},
		{referShape, isReferred},
		{fileShape, isFile},
		{maskShape, isMasked},
		{entityShape, "has a character as HTML writes it (&…;); copy the value itself"},
		{percentShape, "has a character as addresses write it (%…); copy the value itself"},
		{escapeShape, "has a character as programs write it, after a backslash; copy the value itself"},
		{queryShape, "is part of an address; enter the value alone"},
		{stopShape, "begins or ends with a comma or a semicolon; enter the value alone"},
		{severalShape, isSeveral},
		{nothingShape, "is what a program writes where there is no value"},
	}
}

// requestShapes match a part of a request or of a command that contains the secret.
func requestShapes() []shape {
	return []shape{
		{headerShape, "is a whole header; enter the token alone"},
		{bearerShape, "begins with Bearer; enter the token alone"},
		{basicShape, "begins with Basic; enter the token alone, not what it is encoded to for a request"},
		{wordShape, "begins with the word token; enter the token alone"},
		{variableShape, "looks like the assignment of a variable; enter its value alone"},
	}
}

// vendorShapes match text that no vendor issues as a token: tokens consist of the letters
// of base64, dots, hyphens and underscores.
func vendorShapes() []shape {
	return []shape{
		{loginShape, "has an e-mail address before it; enter the token alone"},
		{dollarShape, isReferred},
		{atShape, isFile},
		{enclosedShape, isEnclosed},
		{starsShape, isMasked},
		{separatedShape, isSeveral},
	}
}

// loginShapes match text that is neither an e-mail address nor a user name. Names of people
// may contain any word.
func loginShapes() []shape {
	return []shape{{addressShape, "is an address and no value of this kind"}, {jsonShape, "is JSON; enter the value alone"}, {equalsShape, isName}, {variablesShape, isName}}
}

// checkShape refuses a secret with something around it, and the mere name of one. Its
// messages quote nothing of the value. With anyForm a secret may have any form, and only
// unmistakable shapes are refused.
func checkShape(text string, anyForm bool) error {
	shapes := requestShapes()
	if !atlassianShape.MatchString(text) {
		shapes = append(shapes, nameShapes()...)
		if !anyForm {
			shapes = append(shapes, shape{variablesShape, isName}, shape{colonShape, isPair}, shape{vendorShape, isPair})
		}
	}
	shapes = append(shapes, commonShapes()...)
	if !anyForm {
		shapes = append(shapes, vendorShapes()...)
	}
	return firstShape(text, shapes)
}

// firstShape returns the message of the first shape that a text has, nil if it has none.
func firstShape(text string, shapes []shape) error {
	for _, s := range shapes {
		if s.of.MatchString(text) {
			return errors.New(s.says)
		}
	}
	return nil
}
