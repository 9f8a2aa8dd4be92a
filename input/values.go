package input

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-secure-stdlib/parseutil"

	"vault-plugin-secrets-sei/providers"
)

// Limits on what one request may send, in bytes and elements.
const (
	maxText   = 4 << 10
	maxPEM    = 64 << 10
	maxSecret = 16 << 10
	maxList   = 200
	maxLabels = 100
	maxPool   = 100
	maxNumber = 64 // a number, a duration or a time
)

// Reasons that several kinds of fields share. None quotes the value.
var (
	errNotText = errors.New("must be a string")
	errNull    = errors.New("must not be null")
	errBlank   = errors.New("must not be blank")
	errControl = errors.New("must not contain control characters")
	errLong    = fmt.Errorf("must not be longer than %d bytes", maxNumber)
)

// parseSetting reads one setting into s.
func parseSetting(s providers.Settings, f providers.Field, raw any) (err error) {
	if raw == nil {
		return errNull
	}
	switch f.Kind {
	case providers.List:
		s.Lists[f.Name], err = parseList(raw)
	case providers.Map:
		s.Maps[f.Name], err = parseMap(f, raw)
	case providers.Flag:
		s.Flags[f.Name], err = parseFlag(raw)
	case providers.Count, providers.Duration:
		s.Numbers[f.Name], err = parseNumber(f, raw)
	case providers.Token, providers.Pool:
		s.Secrets[f.Name], err = parseSecretSetting(f, raw)
	case providers.Text, providers.Email, providers.URL, providers.PEM, providers.Time:
		s.Texts[f.Name], err = parseText(f, raw)
	}
	return err
}

// parseSecretSetting reads a secret that is a setting: one, never blank.
func parseSecretSetting(f providers.Field, raw any) (providers.Secret, error) {
	text, err := asText(raw)
	if err == nil {
		text = trimElement(text)
		err = checkSecret(f, text)
	}
	if err != nil {
		return providers.Secret{}, err
	}
	return providers.NewSecret(text), nil
}

// parseText reads a text. A line break at its end, as files and heredocs have one, is
// stored, so that the text reads back as it was written. It has no meaning: see
// Settings.Text.
func parseText(f providers.Field, raw any) (string, error) {
	written, err := asText(raw)
	text := providers.Line(written)
	if err != nil || text == "" {
		return text, err
	}
	switch {
	case len(f.Values) > 0 && !slices.Contains(f.Values, text):
		return "", fmt.Errorf("must be one of %s", strings.Join(f.Values, ", "))
	case f.Kind == providers.PEM:
		return written, checkPEM(text)
	case len(written) > maxText:
		return "", fmt.Errorf("must not be longer than %d bytes", maxText)
	}
	if err := checkCharacters(text, charactersOf(f)); err != nil {
		return "", err
	}
	switch {
	case f.Prose:
		return written, nil
	case f.Kind == providers.URL:
		return written, checkURL(text)
	default:
		return written, checkUnquoted(text)
	}
}

// charactersOf returns which characters the texts of a setting may have.
func charactersOf(f providers.Field) func(rune) bool {
	if f.Prose {
		return inProse
	}
	return inText
}

// checkURL demands the root of a site. A user name or a query could be a secret
// that would read back.
func checkURL(text string) error {
	if problem := providers.Misread(text); problem != "" {
		return errors.New(problem)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("must be an absolute URL such as https://example.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https:// or http://")
	case u.User != nil:
		return errors.New("must not contain a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("must not have a query or fragment")
	default:
		return nil
	}
}

// checkPEM demands certificates and nothing else: other text between or before them
// could be a key, and would read back.
func checkPEM(text string) error {
	if len(text) > maxPEM {
		return fmt.Errorf("must not be longer than %d bytes", maxPEM)
	}
	const begin = "-----BEGIN "
	rest, found := []byte(text), 0
	for strings.HasPrefix(strings.TrimSpace(string(rest)), begin) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			return errors.New("must hold certificates only, in PEM form")
		}
		found++
	}
	if found == 0 || found != strings.Count(text, begin) || strings.TrimSpace(string(rest)) != "" {
		return errors.New("must hold certificates in PEM form and nothing else")
	}
	return nil
}

func parseList(raw any) ([]string, error) {
	list, err := asList(raw, limit{maxList, "elements"})
	if err != nil {
		return nil, err
	}
	for i, text := range list {
		list[i] = strings.TrimSpace(text)
		if err := checkElement(list[i], inText); err != nil {
			return nil, err
		}
		if err := checkName(list[i]); err != nil {
			return nil, atPosition(err, "an element", i+1, len(list))
		}
	}
	return list, nil
}

// checkName refuses an element that is several elements, or has something around it. A
// scope, an organisation and a host are names without blanks; an IPv6 address has brackets.
func checkName(text string) error {
	if err := checkEnds(text); err != nil {
		return err
	}
	bracketed := strings.ContainsAny(text[:1]+text[len(text)-1:], "[](){}<>") && !strings.Contains(text, ":")
	switch {
	case strings.ContainsFunc(text, unicode.IsSpace):
		return errors.New("contains a blank; separate elements by commas")
	case strings.ContainsAny(text, ",;"):
		return errors.New("contains a comma or a semicolon; give each element by itself")
	case bracketed:
		return errors.New("is in brackets; enter what stands between them")
	}
	return nil
}

func checkElement(text string, fits func(rune) bool) error {
	const longest = 256
	switch {
	case text == "":
		return errors.New("must not have blank elements")
	case len(text) > longest:
		return fmt.Errorf("must not have elements longer than %d bytes", longest)
	}
	if err := checkCharacters(text, fits); err != nil {
		return fmt.Errorf("has an element that %w", err)
	}
	return nil
}

// parseMap reads a JSON object of strings, or key=value strings as the command
// line sends them.
func parseMap(f providers.Field, raw any) (map[string]string, error) {
	most := limit{maxLabels, "pairs"}
	pairs := map[string]string{}
	if object, ok := raw.(map[string]any); ok {
		if err := most.of(len(object)); err != nil {
			return nil, err
		}
		for key, value := range object {
			text, isText := value.(string)
			if !isText {
				return nil, errors.New("must have strings as values")
			}
			pairs[key] = text
		}
		return pairs, checkPairs(f, pairs)
	}
	list, err := asList(raw, most)
	var many tooMany
	switch {
	case errors.As(err, &many):
		return nil, err
	case err != nil:
		return nil, errors.New("must be key=value pairs")
	}
	for _, pair := range list {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, errors.New("must be key=value pairs")
		}
		pairs[strings.TrimSpace(key)] = value
	}
	return pairs, checkPairs(f, pairs)
}

func checkPairs(f providers.Field, pairs map[string]string) error {
	for key, value := range pairs {
		if err := checkElement(key, charactersOf(f)); err != nil {
			return err
		}
		if value == "" {
			continue
		}
		if err := checkElement(value, charactersOf(f)); err != nil {
			return err
		}
	}
	return nil
}

func parseFlag(raw any) (bool, error) {
	if text, isText := raw.(string); isText {
		raw = providers.Line(text)
	}
	switch raw {
	case true, "true":
		return true, nil
	case false, "false":
		return false, nil
	default:
		return false, errors.New("must be true or false")
	}
}

// parseNumber reads a count, or a duration as whole seconds or with a unit.
func parseNumber(f providers.Field, raw any) (int64, error) {
	text, isText := raw.(string)
	switch {
	case len(text) > maxNumber:
		return 0, errLong
	case isText && strings.TrimSpace(text) == "":
		return 0, errBlank // and not 0, which often means off
	case isText:
		raw = providers.Line(text)
	}
	n, err := asNumber(f.Kind, raw)
	switch {
	case err != nil && f.Kind == providers.Duration:
		return 0, errors.New("must be a duration of whole seconds such as 90, 90s, 1h or 14d")
	case err != nil:
		return 0, errors.New("must be a whole number")
	case n < f.Min || f.Max > 0 && n > f.Max:
		return 0, fmt.Errorf("must be between %d and %d", f.Min, f.Max)
	}
	return n, nil
}

func asNumber(k providers.Kind, raw any) (int64, error) {
	_, isFloat := raw.(float64) // whose fraction would be cut off
	if isFloat || k != providers.Duration {
		return asWhole(raw)
	}
	d, err := parseutil.ParseDurationSecond(raw)
	if err == nil && d%time.Second != 0 {
		return 0, errors.New("a fraction of a second")
	}
	return int64(d / time.Second), err
}

// asWhole reads a whole number. Vault hands plugins the numbers of JSON as floats.
func asWhole(raw any) (int64, error) {
	const exact = 1 << 53 // beyond it a float has no ones
	f, isFloat := raw.(float64)
	switch {
	case !isFloat:
		return parseutil.ParseInt(raw)
	case f != math.Trunc(f) || math.Abs(f) > exact:
		return 0, errors.New("not a whole number")
	}
	return int64(f), nil
}

// line removes the line breaks at the end of a text; other values stay as they are.
func line(sent any) any {
	if text, ok := sent.(string); ok {
		return providers.Line(text)
	}
	return sent
}

// Text reads a text without line breaks at its end.
func Text(raw any) (string, error) { return asText(line(raw)) }

// asText demands a string. A number or a list is not turned into one: a
// credential that was not quoted in JSON has likely lost digits already.
func asText(raw any) (string, error) {
	if raw == nil {
		return "", errNull
	}
	text, ok := raw.(string)
	if !ok {
		return "", errNotText
	}
	return text, nil
}
