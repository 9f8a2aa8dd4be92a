package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// form is a way to write a text down.
type form struct {
	name  string
	write func(text string) string
}

// forms are those that a secret is looked for in: each way to write a text, each of
// these quoted once more, as a logger does that writes JSON, and base64 of text and of
// JSON. HTTP Basic authentication is one of base64: the secret stands there at one of
// three offsets.
func forms() []form {
	all := slices.Concat(quotes(), []form{
		{"HTML", html.EscapeString},
		{"URL query", url.QueryEscape},
		{"URL path", url.PathEscape},
		{"URL query in lower case", func(text string) string { return lowerEscapes(url.QueryEscape(text)) }},
		{"URL path in lower case", func(text string) string { return lowerEscapes(url.PathEscape(text)) }},
	})
	for _, first := range all {
		for _, second := range quotes() {
			all = append(all, form{first.name + " in " + second.name, func(text string) string { return second.write(first.write(text)) }})
		}
	}
	all = append(all,
		form{"hex", func(text string) string { return hex.EncodeToString([]byte(text)) }},
		form{"HEX", func(text string) string { return strings.ToUpper(hex.EncodeToString([]byte(text))) }},
		form{"bytes", func(text string) string { return inside(fmt.Sprintf("%d", []byte(text))) }},
	)
	for _, first := range quotes() {
		for offset := range 3 {
			all = append(all,
				form{fmt.Sprintf("%s in base64 at offset %d", first.name, offset), func(text string) string { return base64Text(base64.StdEncoding, first.write(text), offset) }},
				form{fmt.Sprintf("%s in URL base64 at offset %d", first.name, offset), func(text string) string { return base64Text(base64.URLEncoding, first.write(text), offset) }},
			)
		}
	}
	return all
}

// quotes are what puts a text between quotes, the first of them with nothing to escape.
func quotes() []form {
	return []form{
		{"plain", func(text string) string { return text }},
		{"JSON", func(text string) string { return jsonText(text, false) }},
		{"JSON with HTML escaped", func(text string) string { return jsonText(text, true) }},
		// As hclog quotes in the log of Vault: a backslash stays as it is.
		{"hclog", func(text string) string { return strings.ReplaceAll(text, `"`, `\"`) }},
		{"Go's %q", func(text string) string { return inside(strconv.Quote(text)) }},
		{"Go's %+q", func(text string) string { return inside(strconv.QuoteToASCII(text)) }},
	}
}

func jsonText(text string, escapeHTML bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(text) // a string always can be
	return inside(strings.TrimSpace(b.String()))
}

// inside cuts the quotes or brackets off.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

func lowerEscapes(text string) string {
	return regexp.MustCompile(`%[0-9A-F]{2}`).ReplaceAllStringFunc(text, strings.ToLower)
}

// base64Text is the part of an encoding that text alone decides, where so many bytes
// come before it, modulo three, and any after it.
func base64Text(encoding *base64.Encoding, text string, offset int) string {
	const bits = 6
	encoded := encoding.EncodeToString([]byte(strings.Repeat(" ", offset) + text))
	return encoded[(offset*8+bits-1)/bits : (offset+len(text))*8/bits]
}
